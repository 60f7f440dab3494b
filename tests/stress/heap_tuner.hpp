#pragma once
/// The settings of the header-only heap, and a learner whose windows end as fast as it is called.

#include <optional>

#include "failure.hpp"
#include "faults.hpp"
#include "learner/mid_caches.hpp"
#include "tuner.hpp"

namespace hakmem::stress {

/// \tparam Config of the heap
template <class Config>
class HeapTuner : public Tuner {
  using Caches = MidCaches<Config>;

 public:
  HeapTuner(Heap<Config>& heap, Fault fault) : heap_(heap), fault_(fault), caches_(heap) {}
  ~HeapTuner() override {
    auto& settings = heap_.settings();
    for (unsigned pool = 0; pool < kPools; ++pool) settings.set_caches(static_cast<PoolKind>(pool), true);
    settings.set_refill_blocks(Config::Geometry::kRefillBlocks);
    settings.set_refill_batch(Config::Geometry::kRefillBatch);
    settings.set_drain_interval(Config::Geometry::kOutboxInterval);
    settings.set_max_waste(Settings<Config>::kNoWaste);
  }

  void change(Random& random) override {
    auto& settings = heap_.settings();
    switch (random.below(16)) {
      case 0: {
        const auto pool = static_cast<PoolKind>(random.below(kPools));
        return settings.set_caches(pool, !random.one_in(4));
      }
      case 1: return settings.set_refill_blocks(static_cast<std::uint32_t>(random.between(1, 128)));
      case 2: return settings.set_refill_batch(static_cast<std::uint32_t>(random.between(1, 4)));
      case 3: return settings.set_drain_interval(static_cast<std::uint32_t>(random.between(1, 1024)));
      case 4: return stop();
      case 5: return start(random);
      default: return learn();
    }
  }

 private:
  static constexpr unsigned kPools = static_cast<unsigned>(PoolKind::kCount);
  static constexpr CapSettings kCaps{.min = 2, .max = 256, .dwell = 1, .min_samples = 64};

  void start(Random& random) {
    LearnerSettings settings{.learn_waste = random.one_in(2), .window_ns = 1, .caps = kCaps, .waste = {}};
    settings.waste.trial = 2;
    settings.waste.min_samples = kCaps.min_samples;
    learner_.emplace(caches_, settings, ++clock_);
  }

  void stop() {
    learner_.reset();
    caches_.set_max_waste(1);
  }

  void learn() {
    if (!learner_ || Caches::kClasses == 0) return;
    (void)learner_->run_window(++clock_);
    if (fault_ == Fault::kWildCap) caches_.set_cap(0, 2 * kCaps.max);
    for (unsigned c = 0; c < Caches::kClasses; ++c) {
      const std::uint32_t cap = caches_.cap(c);
      if (cap >= kCaps.min && cap <= kCaps.max) continue;
      throw Failure(text_of("the learner leaves a cap of ", cap, " blocks of ", Caches::block_bytes(c),
                            " bytes, out of ", kCaps.min, " to ", kCaps.max));
    }
  }

  Heap<Config>& heap_;
  const Fault fault_;
  Caches caches_;
  std::optional<Learner<Caches>> learner_;
  std::uint64_t clock_ = 0;
};

}  // namespace hakmem::stress

#include "engine/relacy/mutex.hpp"

#include <memory>
#include <new>

#include "engine/relacy/relacy.hpp"

namespace check {

struct Mutex::Inside {
  static_assert(sizeof(rl::mutex) == sizeof(mutex_) && alignof(rl::mutex) <= 8);
  static rl::mutex& of(Mutex& mutex) { return *std::launder(reinterpret_cast<rl::mutex*>(mutex.mutex_)); }
};

Mutex::Mutex() { ::new (static_cast<void*>(mutex_)) rl::mutex; }
Mutex::~Mutex() { std::destroy_at(&Inside::of(*this)); }

void Mutex::lock(Where where) { Inside::of(*this).lock(info_of(where)); }
void Mutex::unlock(Where where) { Inside::of(*this).unlock(info_of(where)); }

}  // namespace check

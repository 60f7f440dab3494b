/// A library that the lifecycle checks load and unload: it allocates when loaded, when called, in thread-local objects
/// and when unloaded.

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

class Resident {
 public:
  Resident() : text_(5000, 'r'), numbers_(100'000, 7) {}
  ~Resident() {
    if (!is_intact()) std::abort();
    std::free(std::malloc(3000));
  }
  Resident(const Resident&) = delete;
  Resident& operator=(const Resident&) = delete;

  [[nodiscard]] bool is_intact() const {
    return text_.find_first_not_of('r') == std::string::npos && numbers_.front() == 7 && numbers_.back() == 7;
  }

 private:
  std::string text_;
  std::vector<int> numbers_;
};

const Resident resident;
thread_local std::unique_ptr<Resident> of_thread;

}  // namespace

/// \return a block of zeroes that the caller frees, or nullptr when the library's own memory is damaged
extern "C" void* plugin_allocate(std::size_t bytes) { return resident.is_intact() ? std::calloc(1, bytes) : nullptr; }

/// \return 1 when the calling thread has a whole object of its own
extern "C" int plugin_touch_thread() {
  if (of_thread == nullptr) of_thread = std::make_unique<Resident>();
  return of_thread->is_intact() ? 1 : 0;
}

extern "C" void plugin_free(void* block) { std::free(block); }

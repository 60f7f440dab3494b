/// An interpreter of a small dynamic language: every value is an object with a reference count, strings are built by
/// concatenation, arrays grow by realloc, tables rehash through calloc. Objects mostly die young.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

template <class T>
T* not_null(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

enum class Kind : std::uint8_t { kNumber, kText };

/// Header of every object. A text's letters follow it.
struct Object {
  std::uint32_t references;
  Kind kind;
  std::uint32_t length;
  std::uint64_t number;

  char* letters() { return reinterpret_cast<char*>(this + 1); }
  const char* letters() const { return reinterpret_cast<const char*>(this + 1); }
};

/// A counted reference.
class Value {
 public:
  Value() = default;
  Value(const Value& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) ++object_->references;
  }
  Value(Value&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Value& operator=(Value other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Value() {
    if (object_ != nullptr && --object_->references == 0) std::free(object_);
  }

  static Value number(std::uint64_t number) { return Value(make(Kind::kNumber, 0, number)); }

  static Value text(const char* letters, std::size_t length) {
    Value value(make(Kind::kText, length, 0));
    std::memcpy(value.object_->letters(), letters, length);
    return value;
  }

  static Value concatenation(const Value& a, const Value& b) {
    Value value(make(Kind::kText, std::size_t{a->length} + b->length, 0));
    std::memcpy(value.object_->letters(), a->letters(), a->length);
    std::memcpy(value.object_->letters() + a->length, b->letters(), b->length);
    return value;
  }

  const Object* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

  std::uint64_t hash() const {
    return object_->kind == Kind::kNumber ? hash_bytes(&object_->number, sizeof(object_->number))
                                          : hash_bytes(object_->letters(), object_->length);
  }
  bool equals(const Value& other) const {
    return object_->kind == other->kind && object_->number == other->number && object_->length == other->length &&
           std::memcmp(object_->letters(), other->letters(), object_->length) == 0;
  }

 private:
  explicit Value(Object* object) : object_(object) {}

  static Object* make(Kind kind, std::size_t length, std::uint64_t number) {
    void* memory = not_null(std::malloc(sizeof(Object) + length));
    return new (memory) Object{1, kind, static_cast<std::uint32_t>(length), number};
  }

  Object* object_ = nullptr;
};

/// Grows by realloc: a Value may be moved byte by byte.
class Array {
 public:
  Array() = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    clear();
    std::free(values_);
  }

  void push(Value value) {
    if (size_ == capacity_) {
      capacity_ = capacity_ == 0 ? 4 : capacity_ + capacity_ / 2;
      values_ = static_cast<Value*>(not_null(std::realloc(static_cast<void*>(values_), capacity_ * sizeof(Value))));
    }
    new (values_ + size_++) Value(std::move(value));
  }
  void clear() {
    for (std::size_t i = 0; i < size_; ++i) values_[i].~Value();
    size_ = 0;
  }
  std::size_t size() const { return size_; }
  Value* begin() { return values_; }
  Value* end() { return values_ + size_; }

 private:
  Value* values_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Open addressing; counts how often each key was seen.
class Table {
 public:
  Table() : entries_(make(16)) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() { destroy(entries_, capacity_); }

  void count(const Value& key) {
    if (used_ * 3 >= capacity_ * 2) grow();
    Entry& entry = find(key);
    if (!entry.key) {
      entry.key = key;
      entry.count = Value::number(0);
      ++used_;
    }
    entry.count = Value::number(entry.count->number + 1);
  }

  template <class Visitor>
  void for_each(Visitor visit) const {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (entries_[i].key) visit(entries_[i].key, entries_[i].count);
    }
  }

 private:
  struct Entry {
    Value key;
    Value count;
  };

  /// All bits zero is an empty entry.
  static Entry* make(std::size_t capacity) {
    return static_cast<Entry*>(not_null(std::calloc(capacity, sizeof(Entry))));
  }
  static void destroy(Entry* entries, std::size_t capacity) {
    for (std::size_t i = 0; i < capacity; ++i) entries[i].~Entry();
    std::free(entries);
  }

  Entry& find(const Value& key) {
    std::size_t at = key.hash() & (capacity_ - 1);
    while (entries_[at].key && !entries_[at].key.equals(key)) at = (at + 1) & (capacity_ - 1);
    return entries_[at];
  }

  void grow() {
    Entry* old = std::exchange(entries_, make(capacity_ * 2));
    const std::size_t old_capacity = std::exchange(capacity_, capacity_ * 2);
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].key) find(old[i].key) = std::move(old[i]);
    }
    destroy(old, old_capacity);
  }

  std::size_t capacity_ = 16;
  std::size_t used_ = 0;
  Entry* entries_;
};

/// A text of words, each made letter by letter; the way scripts build strings.
Value random_prose(Random& random, std::uint64_t words) {
  Value prose = Value::text("", 0);
  for (; words > 0; --words) {
    char word[12];
    const std::size_t length = random.between(1, 3);
    for (std::size_t i = 0; i < length; ++i) word[i] = static_cast<char>('a' + random.below(6));
    word[length] = ' ';
    prose = Value::concatenation(prose, Value::text(word, length + 1));
  }
  return prose;
}

void split(const Value& prose, Array& words) {
  const char* at = prose->letters();
  const char* const end = at + prose->length;
  while (at != end) {
    const char* const space = std::find(at, end, ' ');
    words.push(Value::text(at, static_cast<std::size_t>(space - at)));
    at = space + 1;
  }
}

}  // namespace

/// An operation is a text whose words are counted.
Outcome vm_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    const std::uint64_t wanted = random.between(50, 400);
    Array words;
    split(random_prose(random, wanted), words);
    demand(words.size() == wanted, "a text was split into another number of words than it was made of");
    Table table;
    for (const Value& word : words) table.count(word);
    std::uint64_t counted = 0;
    table.for_each([&](const Value& word, const Value& count) {
      counted += count->number;
      outcome.checksum += word.hash() * count->number;
    });
    demand(counted == wanted, "the counts of the words do not add up");
  }
  return outcome;
}

}  // namespace hakmem::bench

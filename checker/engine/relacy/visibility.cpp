#include "engine/relacy/visibility.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "engine/relacy/relacy.hpp"

namespace check {

Visibility::Step Visibility::next_[kMostThreads];
bool Visibility::announced_[kMostThreads];
Site* Visibility::latest_[kMostThreads];
Visibility::Usage Visibility::usages_[kUsages];
Visibility::Usage Visibility::overflow_{0, 0, true, true};

Visibility::Usage& Visibility::of(const void* atomic) noexcept {
  constexpr std::size_t kProbes = 64;
  const auto address = reinterpret_cast<std::uintptr_t>(atomic);
  const std::size_t start = static_cast<std::size_t>((address >> 3) * 0x9e3779b97f4a7c15u >> 51);
  static_assert(kUsages == std::size_t{1} << 13, "the hash has 13 bits");
  for (std::size_t i = start; i < start + kProbes; ++i) {
    Usage& usage = usages_[i % kUsages];
    if (usage.address == address) return usage;
    if (usage.address != 0) continue;
    usage.address = address;
    return usage;
  }
  return overflow_;
}

void Visibility::note_system_call() noexcept {
  if (!noting) return;
  Site* const site = latest_[static_cast<std::size_t>(rl::ctx().threadx_->index_)];
  bool& ordered = site == nullptr ? local_is_ordered_ : site->ordered;
  if (ordered) return;
  ordered = true;
  outdated_ = true;
}

void Visibility::begin() noexcept {
  noting = false;
  for (unsigned i = 0; i < kMostThreads; ++i) {
    next_[i] = {};
    if (local_is_ordered_) next_[i].kind = Step::Kind::kUnknown;
    announced_[i] = false;
    latest_[i] = nullptr;
  }
}

void Visibility::forget() noexcept {
  std::fill(std::begin(usages_), std::end(usages_), Usage{});
  local_is_ordered_ = false;
  forks_ = false;
  outdated_ = false;
}

std::string Visibility::knowledge() {
  std::string text = local_is_ordered_ ? "local" : "";
  if (forks_) text += " forks";
  for (const Usage& usage : usages_) {
    if (usage.branches) text += fmt::format(" {:x}/{:x}", usage.address, usage.users);
  }
  for (const Site& site : Sites::all()) {
    if (site.ordered) text += fmt::format(" #{:x}", key_of(site));
  }
  return text;
}

bool Visibility::is_knowledge(const std::string& text) {
  const auto is_number = [](const std::string& digits, std::size_t most) {
    return !digits.empty() && digits.size() <= most &&
           digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t slash = word.find('/');
    if (word == "local" || word == "forks" || (word[0] == '#' && is_number(word.substr(1), 16))) continue;
    if (slash == std::string::npos || !is_number(word.substr(0, slash), 16)) return false;
    if (!is_number(word.substr(slash + 1), 8)) return false;
  }
  return true;
}

void Visibility::recall(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t slash = word.find('/');
    if (word == "local") {
      local_is_ordered_ = true;
    } else if (word == "forks") {
      forks_ = true;
    } else if (word[0] == '#') {
      Sites::expect_ordered(std::stoull(word.substr(1), nullptr, 16));
    } else if (slash != std::string::npos) {
      Usage& usage = of(reinterpret_cast<const void*>(std::stoull(word.substr(0, slash), nullptr, 16)));
      usage.users = static_cast<std::uint32_t>(std::stoul(word.substr(slash + 1), nullptr, 16));
      usage.written = true;
    }
  }
}

std::string Visibility::united(const std::vector<std::string>& texts) {
  // Of an atomic it only counts that it matters; who uses it is united.
  std::map<std::string, std::uint32_t> all;
  std::vector<std::set<std::string>> each;
  for (const std::string& text : texts) {
    each.emplace_back();
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const std::size_t slash = word.find('/');
      const std::string key = word.substr(0, slash);
      each.back().insert(key);
      std::uint32_t& users = all[key];
      if (slash != std::string::npos)
        users |= static_cast<std::uint32_t>(std::stoul(word.substr(slash + 1), nullptr, 16));
    }
  }
  const bool same = std::all_of(each.begin(), each.end(), [&](const auto& keys) { return keys == each.front(); });
  std::string text;
  for (const auto& [key, users] : all) text += users == 0 ? " " + key : fmt::format(" {}/{:x}", key, users);
  return same ? std::string() : text;
}

void Visibility::update() noexcept {
  for (Usage& usage : usages_) usage.branches = usage.written && matters(usage);
  outdated_ = false;
}

}  // namespace check

#include "watch/sources.hpp"

#include <fmt/core.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "audit/content.hpp"
#include "core/subject.hpp"
#include "watch/child.hpp"

namespace check {

namespace fs = std::filesystem;

namespace {

bool is_cpp(const fs::path& path) {
  const std::string extension = path.extension();
  return (extension == ".hpp" || extension == ".h" || extension == ".cpp") &&
         !path.filename().string().starts_with(".");
}

/// What git prints. \return false when it fails
bool git(const std::string& root, std::vector<std::string> words, std::string& output) {
  words.insert(words.begin(), {"git", "-C", root});
  Child child(words, false);
  while (child.read(output)) {
  }
  return child.wait() == 0;
}

/// The sources that a revision has in another form, or that are not there now.
std::set<std::string> files_that_differ(const std::string& root, const std::string& commit, bool& told) {
  std::string names;
  told =
      git(root, {"diff", "--relative", "--no-ext-diff", "--name-only", "-z", commit, "--", subject().sources}, names);
  std::set<std::string> files;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = names.find('\0', begin);
    files.insert(names.substr(begin, end - begin));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return files;
}

bool was_there(const std::string& root, const std::string& commit, const std::string& path) {
  std::string none;
  return git(root, {"cat-file", "-e", commit + ":./" + path}, none);
}

}  // namespace

Texts texts_now(const std::string& root) {
  Texts texts;
  std::error_code error;
  for (fs::recursive_directory_iterator at(fs::path(root) / subject().sources, error), end; !error && at != end;
       at.increment(error)) {
    if (!is_cpp(at->path()) || !at->is_regular_file(error)) continue;
    std::string text;
    if (read_text(at->path(), text)) texts[fs::relative(at->path(), root).string()] = text;
  }
  return texts;
}

Texts texts_at(const std::string& root, const std::string& revision, const Texts& now, std::string& problem) {
  std::string commit;
  if (!git(root, {"rev-parse", "--git-dir"}, commit)) {
    problem = fmt::format("--since needs git and a checkout, and {} is none", root);
    return {};
  }
  commit.clear();
  if (!git(root, {"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"}, commit)) {
    problem = fmt::format("there is no revision '{}' in {}", revision, root);
    return {};
  }
  commit.resize(commit.find_last_not_of('\n') + 1);
  bool told = false;
  const std::set<std::string> differ = files_that_differ(root, commit, told);
  if (!told) problem = fmt::format("git cannot compare {} with '{}'", root, revision);
  Texts texts = now;
  // Files that git does not know were not there either.
  for (const auto& [path, text] : now) {
    if (!differ.contains(path) && !was_there(root, commit, path)) texts.erase(path);
  }
  for (const std::string& path : differ) {
    texts.erase(path);
    std::string text;
    if (is_cpp(path) && git(root, {"show", commit + ":./" + path}, text)) texts[path] = text;
  }
  return texts;
}

std::vector<Change> changes_between(const Texts& before, const Texts& after) {
  std::vector<Change> changes;
  std::set<std::string> paths;
  for (const Texts* texts : {&before, &after}) {
    for (const auto& [path, text] : *texts) paths.insert(path);
  }
  for (const std::string& path : paths) {
    const auto old = before.find(path);
    const auto current = after.find(path);
    const std::string was = old == before.end() ? "" : old->second;
    const std::string is = current == after.end() ? "" : current->second;
    if (was != is) changes.push_back(change_of(path, was, is));
  }
  return changes;
}

Eye::Eye(std::string root) : root_(std::move(root)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ < 0) problem_ = fmt::format("cannot watch files: {}", std::strerror(errno));
  if (fd_ >= 0) watch_folders();
}

Eye::~Eye() {
  if (fd_ >= 0) ::close(fd_);
}

void Eye::watch_folders() {
  constexpr unsigned kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE;
  std::vector<fs::path> folders{fs::path(root_) / subject().sources};
  std::error_code error;
  for (fs::recursive_directory_iterator at(folders[0], error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory(error)) folders.push_back(at->path());
  }
  for (const fs::path& folder : folders) {
    if (::inotify_add_watch(fd_, folder.c_str(), kEvents) < 0 && problem_.empty()) {
      problem_ = fmt::format("cannot watch {}: {}", folder.string(), std::strerror(errno));
    }
  }
}

void Eye::blink() {
  alignas(inotify_event) char buffer[4096];
  while (::read(fd_, buffer, sizeof buffer) > 0) {
  }
  watch_folders();
}

}  // namespace check

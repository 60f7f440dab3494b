#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace hakmem::bench {

/// Writes `text` to `path` so that the file is there whole or not at all. Returns false, after a line on standard
/// error, if it cannot be written. An empty path writes nothing and succeeds.
inline bool write_text(const std::string& program, const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  std::ofstream out(temporary);
  out << text;
  out.close();
  if (out && std::rename(temporary.c_str(), path.c_str()) == 0) return true;
  std::cerr << program << ": cannot write " << path << ": " << std::strerror(errno) << "\n";
  std::remove(temporary.c_str());
  return false;
}

/// The same for a document.
inline bool write_json(const std::string& program, const std::string& path, const nlohmann::json& document) {
  return write_text(program, path, document.dump(2) + "\n");
}

}  // namespace hakmem::bench

# Copies a header with one place changed: cmake -D source=.. -D destination=.. -D old=.. -D new=.. -P edit_header.cmake
# A fatal error unless the old text is there exactly once.
file(READ "${source}" text)
string(FIND "${text}" "${old}" first)
string(FIND "${text}" "${old}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "'${old}' is not exactly once in ${source}; the fidelity test has to name another place")
endif()
string(REPLACE "${old}" "${new}" text "${text}")
file(WRITE "${destination}" "${text}")

/* Preloaded beside the library under test. When a process starts, it notes which program that is and which shared
   object its calls of malloc end up in. A preload that was dropped, or that replaces nothing, cannot go unnoticed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The file of the object that defines malloc, as `object` and what it depends on see it; NULL if none does. The address
   of malloc in an executable at a fixed place is that of its own stub, whose symbol is undefined: no definition. */
static const char* definer(void* object) {
  Dl_info info;
  const ElfW(Sym)* symbol = NULL;
  void* const function = dlsym(object, "malloc");
  if (function == NULL || dladdr1(function, &info, (void**)&symbol, RTLD_DL_SYMENT) == 0) return NULL;
  return symbol != NULL && symbol->st_shndx == SHN_UNDEF ? NULL : info.dli_fname;
}

/* Objects define symbols in the order in which they were loaded; the executable is the first of them. */
static const char* malloc_provider(void) {
  const char* found = definer(RTLD_DEFAULT);
  for (struct link_map* map = _r_debug.r_map->l_next; found == NULL && map != NULL; map = map->l_next) {
    void* const object = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (object == NULL) continue;
    found = definer(object);
    dlclose(object);
  }
  return found != NULL ? found : "?";
}

/* stdio's buffers are left alone, and no descriptor stays open: programs count theirs. */
__attribute__((constructor)) static void note_malloc(void) {
  const char* path = getenv("HAKMEM_WITNESS_FILE");
  if (path == NULL) return;
  char program[1024] = "?";
  const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
  if (length > 0) program[length] = '\0';
  char line[4096];
  const int bytes =
      snprintf(line, sizeof(line), "%s\t%s\t%s\n", program, program_invocation_short_name, malloc_provider());
  const int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;
  if (bytes > 0 && (size_t)bytes < sizeof(line) && write(file, line, (size_t)bytes) != bytes) _exit(125);
  close(file);
}

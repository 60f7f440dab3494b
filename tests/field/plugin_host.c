/* A C program that loads a library in C++ for that library's eyes only. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: field_plugin_host PLUGIN\n");
    return 2;
  }
  void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  int (*work)(void) = NULL;
  if (library != NULL) *(void**)&work = dlsym(library, "work");
  if (work == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  return work();
}

/* A library that has hakmem_static in it. It allocates by its own names of malloc and by the C API when it is loaded,
   and frees when it is unloaded or the process ends. */
#include <stdlib.h>
#include <string.h>

#include "hakmem/hakmem.h"

static char* by_malloc;
static char* by_api;

__attribute__((constructor)) static void on_load(void) {
  by_malloc = malloc(3000);
  by_api = hak_alloc(70000);
  if (by_malloc == NULL || by_api == NULL) abort();
  memset(by_malloc, 1, 3000);
  memset(by_api, 2, 70000);
}

__attribute__((destructor)) static void on_unload(void) {
  if (by_malloc[2999] != 1 || by_api[69999] != 2) abort();
  free(by_malloc);
  hak_free(by_api);
}

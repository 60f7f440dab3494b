/* Pairs of malloc and free, to count their instructions by the difference of two runs. usage: pairs COUNT BYTES; 0 bytes: the
   loop alone. */
#include <stdlib.h>

int main(int count_of_arguments, char** arguments) {
  if (count_of_arguments != 3) return 2;
  const long count = atol(arguments[1]);
  const size_t bytes = (size_t)atol(arguments[2]);
  for (long i = 0; i < count; ++i) {
    void* volatile block = bytes != 0 ? malloc(bytes) : NULL;
    if (bytes != 0) free(block);
  }
  return 0;
}

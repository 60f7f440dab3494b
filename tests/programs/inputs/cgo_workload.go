// Goroutines that take and give back C memory on any thread, C threads that call into Go, and a heap that the collector
// keeps busy: what it prints depends on its argument alone.
package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct node {
  struct node* next;
  size_t size;
  unsigned char data[];
};

static struct node* push(struct node* head, size_t size, unsigned char fill) {
  struct node* const fresh = malloc(sizeof(struct node) + size);
  if (fresh == NULL) abort();
  fresh->next = head;
  fresh->size = size;
  memset(fresh->data, fill, size);
  return fresh;
}

static uint64_t consume(struct node* head) {
  uint64_t sum = 0;
  while (head != NULL) {
    struct node* const next = head->next;
    for (size_t i = 0; i < head->size; i += 61) sum = sum * 31 + head->data[i];
    free(head);
    head = next;
  }
  return sum;
}

extern uint64_t called_from_c(int number, char* text);

static void* thread(void* argument) {
  const int number = (int)(intptr_t)argument;
  uint64_t* const sum = calloc(1, sizeof(uint64_t));
  for (int i = 0; i < 200; i++) {
    char* const text = malloc((size_t)(i * 37 % 500 + 20));
    memset(text, 'a' + i % 26, (size_t)(i * 37 % 500 + 19));
    text[i * 37 % 500 + 19] = '\0';
    *sum += called_from_c(number + i, text);
  }
  return sum;
}

static uint64_t run_threads(int count) {
  pthread_t threads[16];
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) {
    if (pthread_create(&threads[i], NULL, thread, (void*)(intptr_t)i) != 0) abort();
  }
  for (int i = 0; i < count; i++) {
    void* result;
    if (pthread_join(threads[i], &result) != 0) abort();
    sum += *(uint64_t*)result;
    free(result);
  }
  return sum;
}

static int by_bytes(const void* a, const void* b) { return memcmp(*(void* const*)a, *(void* const*)b, 8); }
static void sort_blocks(void** blocks, size_t count) { qsort(blocks, count, sizeof(void*), by_bytes); }
*/
import "C"

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

const goroutines = 8

// atOnce collects what task gives for each number, in order.
func atOnce(task func(number int) string) string {
	results := make([]string, goroutines)
	var group sync.WaitGroup
	for i := range results {
		group.Add(1)
		go func(number int) {
			defer group.Done()
			results[number] = task(number)
		}(i)
	}
	group.Wait()
	return hash(strings.Join(results, ","))
}

func hash(text string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16]
}

//export called_from_c
func called_from_c(number C.int, text *C.char) C.uint64_t {
	defer C.free(unsafe.Pointer(text))
	made := strings.Repeat(C.GoString(text), 3)
	return C.uint64_t(len(made)*int(number) + int(made[0]))
}

// Lists that C makes on one thread and gives back on another.
func passedOn(scale int) string {
	lists := make(chan *C.struct_node, 20)
	go func() {
		for i := 0; i < 300*scale; i++ {
			var head *C.struct_node
			for k := 0; k < 50; k++ {
				head = C.push(head, C.size_t((i*7919+k*104729)%3000), C.uchar(i+k))
			}
			lists <- head
		}
		close(lists)
	}()
	var lock sync.Mutex
	total := uint64(0)
	atOnce(func(int) string {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for head := range lists {
			sum := uint64(C.consume(head))
			lock.Lock()
			total += sum
			lock.Unlock()
		}
		return ""
	})
	return fmt.Sprint(total)
}

func strings_(number, scale int) string {
	sum := 0
	for i := 0; i < 3000*scale; i++ {
		text := strings.Repeat("t", (number*31+i*7919)%400)
		c := C.CString(text)
		sum = sum*31 + int(C.strlen(c))
		grown := C.realloc(unsafe.Pointer(c), C.size_t(len(text)+1+i%5000))
		sum ^= len(C.GoString((*C.char)(grown)))
		copied := C.CBytes([]byte(text + "!"))
		C.free(grown)
		C.free(copied)
	}
	return strconv.Itoa(sum)
}

func sorted(number, scale int) string {
	count := 3000 * scale
	blocks := unsafe.Slice((*unsafe.Pointer)(C.malloc(C.size_t(count*8))), count)
	for i := range blocks {
		blocks[i] = C.malloc(C.size_t(8 + i*13%700))
		copy(unsafe.Slice((*byte)(blocks[i]), 8), fmt.Sprintf("%08d", (i*7919+number)%100003))
	}
	C.sort_blocks(&blocks[0], C.size_t(count))
	text := ""
	for i, block := range blocks {
		if i%100 == 0 {
			text += string(unsafe.Slice((*byte)(block), 8))
		}
		C.free(block)
	}
	C.free(unsafe.Pointer(&blocks[0]))
	return hash(text)
}

// Go's own heap beside that of C.
func maps(number, scale int) string {
	table := map[string][]byte{}
	for i := 0; i < 20000*scale; i++ {
		key := strconv.Itoa((i * 7919) % 5000)
		table[key] = append(table[key], byte(i), byte(number))
		if i%7 == 0 {
			delete(table, strconv.Itoa(i%5000))
		}
	}
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key+string(table[key]))
	}
	sort.Strings(keys)
	return hash(strings.Join(keys, ","))
}

func main() {
	scale, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("passed on", passedOn(scale))
	fmt.Println("strings", atOnce(func(number int) string { return strings_(number, scale) }))
	fmt.Println("sorted", atOnce(func(number int) string { return sorted(number, scale) }))
	for round := 0; round < 5*scale; round++ {
		fmt.Println("threads of C", C.run_threads(12))
	}
	fmt.Println("maps", atOnce(func(number int) string { return maps(number, scale) }))
	runtime.GC()
	fmt.Println("passed on again", passedOn(scale))
}

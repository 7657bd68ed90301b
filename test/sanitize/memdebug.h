/*
 * memdebug.h: tells AddressSanitizer what palloc and the buffer manager tell
 * valgrind: which memory nobody may touch.
 *
 * Appended to the server's own utils/memdebug.h by script/sanitize.sh.  Memory
 * behind a chunk, freed chunks and pages of buffers that are not pinned are then
 * an error to touch.
 */
#include <sanitizer/asan_interface.h>

#undef VALGRIND_MAKE_MEM_DEFINED
#undef VALGRIND_MAKE_MEM_NOACCESS
#undef VALGRIND_MAKE_MEM_UNDEFINED
#undef VALGRIND_MEMPOOL_ALLOC
#undef VALGRIND_MEMPOOL_CHANGE
#define VALGRIND_MAKE_MEM_DEFINED(addr, size) ASAN_UNPOISON_MEMORY_REGION(addr, size)
#define VALGRIND_MAKE_MEM_NOACCESS(addr, size) ASAN_POISON_MEMORY_REGION(addr, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(addr, size) ASAN_UNPOISON_MEMORY_REGION(addr, size)
#define VALGRIND_MEMPOOL_ALLOC(context, addr, size) ASAN_UNPOISON_MEMORY_REGION(addr, size)
#define VALGRIND_MEMPOOL_CHANGE(context, optr, nptr, size) ASAN_UNPOISON_MEMORY_REGION(nptr, size)

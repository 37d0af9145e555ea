// What the module of the C library leaves out: how large the heap is.
#include <malloc.h>

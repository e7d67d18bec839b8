/* The one variable of CShims; its readers are in thread_shims.h. */
#include "thread_shims.h"

_Thread_local uint64_t cs_waited_of_thread;

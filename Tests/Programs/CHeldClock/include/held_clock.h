// What a process loads with LD_PRELOAD so that a test holds its clocks: see held_clock.c.
#ifndef HELD_CLOCK_H
#define HELD_CLOCK_H

/// The environment's variable with the path of the file in which the jumped seconds stand, as a little-endian int64.
#define HELD_CLOCK_FILE "HELD_CLOCK_FILE"

#endif

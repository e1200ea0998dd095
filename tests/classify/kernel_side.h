/* The kernel's classify(), run over many keys at once by BPF_PROG_TEST_RUN. */
#ifndef OPENWFP_TESTS_KERNEL_SIDE_H
#define OPENWFP_TESTS_KERNEL_SIDE_H

#include <stdbool.h>

#include "classify/compile.h"
#include "classify/walk.h"
#include "differential.h"

struct kernel_side;

/* Whether this process may use BPF at all, by making a map. */
bool kernel_side_permitted(void);

/* NULL: the object does not load; the reason is on stderr. */
struct kernel_side *kernel_side_open(const char *object_path);
void kernel_side_close(struct kernel_side *side);

/* The image's memory is the kernel's from then on: changes reach both. */
bool kernel_side_load(struct kernel_side *side, struct classify_image *image);
/* DIFFERENTIAL_KEYS walks, filled by the caller, decided in place by kernel_side_decide(). */
struct classify_walk *kernel_side_walks(struct kernel_side *side);
bool kernel_side_decide(struct kernel_side *side);

/*
 * Nanoseconds of one decision by the kernel's own BPF statistics: on average over all walks, each
 * decided once, and over the first walk decided again and again. 0: failed.
 */
double kernel_side_measure_all(struct kernel_side *side);
double kernel_side_measure_first(struct kernel_side *side, unsigned repeat);

#endif

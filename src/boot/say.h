/* What the loader tells: one line for each stage, to stderr or the kernel's log. */
#ifndef OPENWFP_BOOT_SAY_H
#define OPENWFP_BOOT_SAY_H

#include <stdbool.h>

/* From now on to the kernel's log, when it can be opened. */
void say_to_kernel(void);

/* The clock of the first stage begins. */
void say_begin(void);

/* "openwfp-boot: TEXT (3.1 ms)": how long it took since the line before. */
void say_stage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A problem: what it is, and what a person can do. */
void say_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

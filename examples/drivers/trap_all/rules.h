/* The files beside the driver: lines `permit|block|ask PROGRAM|* [PORT]`. */
#ifndef TRAP_ALL_RULES_H
#define TRAP_ALL_RULES_H

#include <stdbool.h>

#include <fwpsk.h>

#define RULES_MAX 64
#define PATH_SIZE 256

enum verdict { UNDECIDED, PERMIT, BLOCK, ASK };

struct rules {
    unsigned count;
    struct rule {
        enum verdict verdict;
        char program[PATH_SIZE];
        unsigned port; /* 0 = any */
    } list[RULES_MAX];
};

/* Finds the driver's own directory. */
bool rules_find(const void *function_of_the_driver);
/* No such file: no rules. */
void rules_read(struct rules *rules, const char *name);
/* The operation's program, as the rules write it; empty when it is unknown. */
void rules_program(const FWPS_INCOMING_METADATA_VALUES *meta, char program[PATH_SIZE]);
/* What the first that fits says. */
enum verdict rules_decide(const struct rules *rules, const char *program, unsigned port);

#endif

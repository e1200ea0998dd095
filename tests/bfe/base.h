/* A model with its store, as the service has them, in a directory of the test's own. */
#ifndef TESTS_BFE_BASE_H
#define TESTS_BFE_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bfe/driver.h"
#include "bfe/engine.h"
#include "bfe/store.h"

struct base {
    struct model *model;
    struct engine engine;
    struct drivers drivers;
    struct store store;
    struct model_session *session;
    uint32_t kernel_answers; /* to a commit, after it was kept */
};

extern char base_directory[64], base_journal[80], base_database[80];

/* cmocka fixtures: the directory, and away with it and what is in it. */
int base_setup(void **state);
int base_teardown(void **state);

/* store_open's answer; base_close it in any case. */
int base_open(struct base *base);
void base_close(struct base *base);
/* Both files away: a machine that was never used. The journal alone: one that was restarted. */
void base_forget(void);
void base_reboot(void);

GUID base_key(unsigned number);
/* A filter with that key; flags as in FWPM_FILTER0. */
void base_add(struct base *base, unsigned number, UINT32 flags);
void base_delete(struct base *base, unsigned number);
bool base_has(struct base *base, unsigned number);

#endif

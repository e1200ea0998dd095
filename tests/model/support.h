/* A model in a world of its own: hooks that record, a clock that is set, short ways to make
 * objects. */
#ifndef OPENWFP_TESTS_MODEL_SUPPORT_H
#define OPENWFP_TESTS_MODEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fwpsu.h>

#include "model/guid.h"
#include "model/layers.h"
#include "model/model.h"
#include "model/sd.h"
#include "model/utf16.h"
#include "model/value.h"
#include "shadow.h"

struct told {
    struct model_session *session;
    uint64_t subscription;
    struct model_change change;
};

struct world {
    struct model *model;
    struct model_session *root; /* static, privileged */
    uint64_t now_ms;
    unsigned applied;      /* how often apply was called */
    uint32_t apply_answer; /* what it answers */
    bool service_idle;     /* the services that providers name don't start by themselves */
    struct shadow shadow;
    size_t in_force; /* filters at ALE_AUTH_CONNECT_V4 in the last applied view */
    unsigned unlocked;
    struct told told[64];
    size_t told_count;
    struct model_error error; /* of the last call that was handed it */
};

int world_setup(void **state);
int world_teardown(void **state);

#define WORLD struct world *w = *state

struct model_session *open_as(struct world *w, uint32_t uid, uint32_t flags);
struct model_session *open_root(struct world *w, uint32_t flags);

/* The code of a call that must fail, with a text that names something useful. */
#define assert_fails(w, call, expected)                                                            \
    do {                                                                                           \
        (w)->error = (struct model_error){0};                                                      \
        assert_int_equal(call, expected);                                                          \
        assert_int_equal((w)->error.code, expected);                                               \
        assert_true(strlen((w)->error.text) > 10);                                                 \
    } while (0)
#define assert_works(w, call)                                                                      \
    do {                                                                                           \
        uint32_t rc_ = (call);                                                                     \
        if (rc_ != ERROR_SUCCESS)                                                                  \
            print_error("%#x: %s\n", rc_, (w)->error.text);                                        \
        assert_int_equal(rc_, ERROR_SUCCESS);                                                      \
    } while (0)

GUID key_of(uint32_t n); /* a key for tests: n in the first field, the rest fixed */

FWPM_PROVIDER0 a_provider(uint32_t n);
FWPM_SUBLAYER0 a_sublayer(uint32_t n, uint16_t weight);
FWPM_CALLOUT0 a_callout(uint32_t n, const GUID *layer);
FWPM_PROVIDER_CONTEXT0 a_context(uint32_t n);
/* At ALE_AUTH_CONNECT_V4, blocks, no conditions, automatic weight. */
FWPM_FILTER0 a_filter(uint32_t n);

uint32_t add_provider(struct model_session *session, uint32_t n, uint32_t flags);
uint32_t add_sublayer(struct model_session *session, uint32_t n, uint16_t weight);
uint32_t add_callout(struct model_session *session, uint32_t n);
uint32_t add_filter(struct model_session *session, uint32_t n);
bool sees(struct model_session *session, enum model_kind kind, uint32_t n);

FWPM_FILTER_CONDITION0 condition(const GUID *field, FWP_MATCH_TYPE match,
                                 FWP_CONDITION_VALUE0 value);
FWP_CONDITION_VALUE0 u8(uint8_t value);
FWP_CONDITION_VALUE0 u16(uint16_t value);
FWP_CONDITION_VALUE0 u32(uint32_t value);

/* malloc'ed blob of SDDL text. */
FWP_BYTE_BLOB sd_of(const char *sddl);

#endif

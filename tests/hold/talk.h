/*
 * Two hosts in the room of fake.h, with the test as what they say and hear. Each message is
 * followed by a round of the thread.
 */
#ifndef OPENWFP_TEST_HOLD_TALK_H
#define OPENWFP_TEST_HOLD_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fwps_layers.h>
#include <fwptypes.h>

#include "fake.h"

#define CONNECT FWPS_LAYER_ALE_AUTH_CONNECT_V4
#define ACCEPT  FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4
#define SIZE    60u /* of each packet */

extern const struct hold_limits talk_limits;
extern int host, other; /* our ends; FAKE_CALLOUT is the first one's */

/* What was heard last. */
union told {
    struct driver_header header;
    struct driver_classify classify;
    struct driver_decided decided;
    struct driver_flow_delete deleted;
    uint8_t bytes[sizeof(struct driver_classify) + 2048];
};
extern union told told;

int talk_setup(void **state);
int talk_teardown(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, talk_setup, talk_teardown)

/* The kind of what came next; 0: nothing. */
uint32_t hear(int from);

void say(int to, const void *message, size_t size); /* no round follows */
void answer(int from, uint64_t operation, uint32_t round, uint32_t action);
void pend(int from, uint64_t operation, uint32_t round, uint32_t default_action, bool took);
void complete(int from, uint64_t operation, uint32_t action);
void give_back(int from, const struct ale_ask *ask, uint32_t size);

/* An operation with its packet, which the first host was asked about. */
struct ale_ask asked(uint64_t number, uint16_t layer, uint8_t protocol, uint32_t packet);

#endif

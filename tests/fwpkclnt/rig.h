/*
 * A test's own engine at the other end of the classify channel and of the management connection,
 * and one callout whose functions the test gives.
 *
 * What is asserted is asserted on the test's thread: functions of the callout only note.
 */
#ifndef OPENWFP_TESTS_RIG_H
#define OPENWFP_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fwpsk.h>

#include "fwpkclnt/protocol.h"
#include "fwpkclnt/start.h"

#define RIG_COOKIE 77u
#define RIG_FILTER 9u
#define RIG_PID    4711u

/* What a callout's function is called with, and with what it answers. */
struct shown {
    const FWPS_INCOMING_VALUES0 *fixed;
    const FWPS_INCOMING_METADATA_VALUES0 *meta;
    NET_BUFFER_LIST *packet;
    const void *context;
    const FWPS_FILTER3 *filter;
    UINT64 flow;
    FWPS_CLASSIFY_OUT0 *out;
};

typedef void rig_classify(const struct shown *shown);

struct rig_callout {
    rig_classify *classify;
    FWPS_CALLOUT_NOTIFY_FN3 notify;
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flow_delete;
    UINT32 flags;
};

extern UINT32 rig_id;              /* of the callout */
extern int rig_channel;            /* the engine's end */
extern uint32_t rig_register_code; /* what the engine answers */
extern uint32_t rig_unregister_code;

void rig_start(const struct rig_callout *callout);
/* Without a callout, and perhaps before the engine runs. */
void rig_open(bool engine_runs);
void rig_stop(void);
NTSTATUS rig_register(const GUID *key, UINT32 *id);
/* The engine hangs up. */
void rig_hang_up(void);

/* A question as the engine has it: a TCP connect from 10.0.0.1:40000 to 10.0.0.2:443, or what the
 * layer makes of it. */
struct driver_classify rig_question(uint16_t layer, uint64_t operation);
void rig_set(struct driver_classify *question, unsigned slot, uint64_t value);
/* The second classify of a pended operation. */
void rig_again(struct driver_classify *question);

void rig_send(void *message, uint32_t kind, uint64_t operation, uint32_t size);
void rig_ask(const struct driver_classify *question);
void rig_ask_packet(const struct driver_classify *question, const void *packet, uint32_t size);
void rig_decided(uint64_t operation, bool permitted);

/* The next message, which has to be of this kind and operation and come soon. */
void rig_expect(uint32_t kind, uint64_t operation, void *message, uint32_t size);
struct driver_answer rig_answer(uint64_t operation);
struct driver_complete rig_complete(uint64_t operation);
/* Its size; `bytes` has room for DRIVER_PACKET_MAX. */
uint32_t rig_packet(uint64_t operation, uint8_t *bytes);
/* Nothing has come. */
void rig_expect_nothing(void);

/* A UDP datagram; its size. */
uint32_t rig_datagram(uint8_t *bytes, const char *payload);
#define RIG_DATAGRAM_HEADERS 28u

/* Waits until *flag is set by another thread. */
void rig_wait(const _Atomic bool *flag);

/* An answer that pends: block, absorb, without the right. */
void rig_block_absorbed(const struct shown *shown);

#endif

/*
 * The room of held operations without a kernel, a clock or a thread: questions, packets, time and
 * what hosts say come one by one, as the test wants them. It keeps count, per operation, of the
 * decisions that the kernel side took, and of verdicts.
 */
#ifndef OPENWFP_TEST_HOLD_FAKE_H
#define OPENWFP_TEST_HOLD_FAKE_H

#include "shims/hold/internal.h"

#define FAKE_OPERATIONS 64u
#define FAKE_PACKETS    256u
#define FAKE_CALLOUT    7u
#define FAKE_NETNS      77u

struct fake_operation {
    unsigned permits, blocks, restarts, forgets; /* that the kernel side was told */
    unsigned passed_over;                        /* as if the filter had not matched */
    unsigned unregistered;                       /* answers as of a callout that is not there */
    uint32_t reason;                             /* of the last restart */
    struct ale_answer last;                      /* that the kernel side was given */
};

struct fake {
    struct hold *hold;
    uint64_t now;
    bool permit_unregistered; /* the filter's flag */
    bool no_watch;            /* flows can't be watched */
    struct fake_operation operations[FAKE_OPERATIONS];
    unsigned said;
    unsigned aborted; /* flows */
    struct {
        unsigned count;
        uint32_t verdict, changed_size; /* 0: as it came */
    } packets[FAKE_PACKETS];            /* by id */
};
extern struct fake fake;

void fake_open(const struct hold_limits *limits);
void fake_close(void);

/* A host of one more callout, from FAKE_CALLOUT on; the test's end of its socket. */
int fake_host(uint32_t *number);

/* The kernel side asks; with its packet's ends, if there will be one. */
struct ale_ask fake_ask(uint64_t operation, uint16_t layer, uint8_t protocol);
void fake_question(const struct ale_ask *ask);
/* A packet of it comes: `size` bytes, from the IP header on. */
void fake_packet(const struct ale_ask *ask, uint32_t id, uint32_t size);
uint32_t fake_packet_build(const struct ale_ask *ask, uint8_t *bytes, uint32_t size);

/* One round of the thread, this much later. */
void fake_round(uint32_t later_ms);

#endif

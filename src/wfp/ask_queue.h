/*
 * Notices on their way from the library's thread to the one that shows and answers.
 */
#ifndef OPENWFP_WFP_ASK_QUEUE_H
#define OPENWFP_WFP_ASK_QUEUE_H

#include <stdbool.h>

#include <openwfp.h>

struct ask_notice {
    OPENWFP_HELD_NOTICE notice;
    bool end; /* bfe is gone, and there is no notice */
    struct ask_notice *next;
};

struct ask_queue;

/* Each notice, and whoever else wants to, writes into the eventfd. */
struct ask_queue *ask_queue_new(int wake);
void ask_queue_free(struct ask_queue *queue);

/* For OpenWfpHeldSubscribe0, with the queue as its context. */
void CALLBACK ask_queue_put(void *context, const OPENWFP_HELD_NOTICE *notice);

/* All that have come, in order; give each back with ask_notice_free, which tells the next. */
struct ask_notice *ask_queue_take(struct ask_queue *queue);
struct ask_notice *ask_notice_free(struct ask_notice *notice);

#endif

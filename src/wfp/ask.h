/*
 * wfp ask: what is held is shown to an administrator, who answers.
 *
 * ask.c keeps the session, ask_question.c finds out what is shown, ask_rule.c writes the filters
 * that answers make, and a front end (ask_terminal.c, ask_json.c) shows and reads.
 */
#ifndef OPENWFP_WFP_ASK_H
#define OPENWFP_WFP_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <openwfp.h>

#include "src/wfp/cli.h"
#include "src/wfp/policy/layer_facts.h"

struct process;

struct ask_question {
    struct arena *arena;
    OPENWFP_HELD held;
    enum rule_layer layer;
    const char *app;  /* "": unknown */
    uint64_t expires; /* monotonic clock, ms */
    /* Whom it is about: the peer; at listen and bind the local end. */
    uint8_t address[16]; /* v6 form */
    const char *address_text;
    uint16_t port;
    const char *host;              /* its name in /etc/hosts; NULL: none */
    const struct process *process; /* NULL: gone, or another one has its pid */
    /* The filter that holds it. */
    bool has_filter;
    const char *filter_name;
    GUID sublayer;
    uint64_t weight;
    bool persistent;

    bool answered; /* by us: how it ended will be told */
    struct ask_question *next;
};

enum ask_span { ASK_ONCE, ASK_PROGRAM, ASK_ALWAYS };
enum ask_scope { ASK_ADDRESS_PORT, ASK_ADDRESS, ASK_PORT, ASK_ANY };

struct ask_answer {
    FWP_ACTION_TYPE action;
    enum ask_span span;
    enum ask_scope scope; /* of ALWAYS; PROGRAM is about ANY */
    bool every_user;
};

struct ask_kept;
struct ask_queue;

struct ask {
    struct cli *cli;
    const struct ask_front *front;
    HANDLE engine;  /* NULL: bfe is gone */
    HANDLE dynamic; /* holds the filters of PROGRAM; NULL: there are none */
    struct ask_kept *kept;
    struct ask_question *questions; /* the oldest first */
    struct ask_queue *queue;
};

struct ask_front {
    /* A question is new, or has other numbers than before. */
    void (*asked)(struct ask *ask, struct ask_question *question);
    /* It will be freed. */
    void (*ended)(struct ask *ask, struct ask_question *question,
                  const OPENWFP_HELD_NOTICE *notice);
    void (*line)(struct ask *ask, const char *line);
    void (*connected)(struct ask *ask, bool connected);               /* again, or no more */
    void (*complain)(struct ask *ask, uint64_t id, const char *text); /* id 0: of no question */
};

extern const struct ask_front ask_terminal, ask_json;

/* ---- ask_question.c ---- */

struct ask_question *ask_find(struct ask *ask, uint64_t id);
/* Behind the others. */
struct ask_question *ask_question_new(struct ask *ask, const OPENWFP_HELD *held);
void ask_question_drop(struct ask *ask, struct ask_question *question);

/* The monotonic clock, ms. */
uint64_t ask_now(void);
/* "tcp", "17" */
const char *ask_protocol(const struct ask_question *question);
/* Seconds, rounded up, until its default. */
unsigned ask_seconds_left(const struct ask_question *question);

/* "permit", "block" */
const char *ask_action_word(FWP_ACTION_TYPE action);

/* ---- ask.c ---- */

/* Answers a question, after making the filter that the answer asks for; and those that the filter
 * covers. False: the front end was told why not. */
bool ask_give(struct ask *ask, struct ask_question *question, const struct ask_answer *answer);

/* ---- ask_rule.c ---- */

/* What the answer comes to, in the policy language. */
const char *ask_rule_text(const struct ask_question *question, const struct ask_answer *answer);
/* NULL: it was done. */
const char *ask_rule_add(struct ask *ask, const struct ask_question *asked,
                         const struct ask_answer *answer);
bool ask_rule_covers(const struct ask_question *question, const struct ask_answer *answer,
                     const struct ask_question *other);
/* bfe is back: filters of PROGRAM went with it. */
void ask_rules_again(struct ask *ask);

#endif

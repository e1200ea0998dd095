/*
 * What the broker of hold filters has to ask: operations, and the questions that they make. Those
 * that are alike are one question: of one filter, program and user, to one peer and port; at accept
 * from one peer to one local port, at listen and bind to one local address. Both are bounded, and
 * so are the questions of one program, so that no flood hides the others'.
 */
#ifndef OPENWFP_BFE_QUESTIONS_H
#define OPENWFP_BFE_QUESTIONS_H

#include <sys/queue.h>

#include <openwfp.h>

#include "fwpkclnt/protocol.h"
#include "model/index.h"

#define QUESTIONS_MAX         4096u
#define QUESTIONS_MAX_PROGRAM 256u
#define OPERATIONS_MAX        32768u

struct question_key {
    uint64_t filter;
    uint32_t uid;
    uint16_t layer, port;
    uint8_t address[16]; /* v6 form */
    uint8_t protocol;
    uint8_t pad[15];
    char app[ALE_PATH];
};

TAILQ_HEAD(operations, operation);

struct question {
    TAILQ_ENTRY(question) place; /* the oldest first */
    struct index_node by_key, by_id;
    struct operations operations; /* the oldest first */
    uint64_t program;             /* hash of program and user */
    struct question_key key;
    OPENWFP_HELD held; /* count and remaining are filled in when it is shown */
    uint32_t count;
    bool told; /* as it is now */
};

/* Something that the host of the operation must still hear. */
#define OPERATION_ANSWER   1u
#define OPERATION_COMPLETE 2u

struct operation {
    TAILQ_ENTRY(operation) place; /* in its question, or among the loose ones */
    TAILQ_ENTRY(operation) line;  /* of those that have something due */
    struct index_node by_id;
    uint64_t id;
    uint64_t deadline; /* monotonic clock, ms */
    uint64_t filter;
    struct question *question; /* NULL: answered */
    uint32_t round;
    uint32_t due;    /* OPERATION_* */
    uint32_t action; /* once it is answered */
    bool pended;     /* kept until the host says how it ended */
};

struct questions {
    TAILQ_HEAD(, question) list;
    struct operations loose; /* of no question */
    struct index by_key, by_id, operations;
    uint64_t seed, last_id;
    uint32_t count, operation_count;
};

int questions_init(struct questions *questions);
/* Operations of no question are forgotten. */
void questions_clear(struct questions *questions);
/* There must be no questions any more. */
void questions_free(struct questions *questions);

/* NULL: not there. */
struct operation *questions_operation(const struct questions *questions, uint64_t id);
struct question *questions_find(const struct questions *questions, uint64_t id);

/* A new operation, of no question yet. NULL: no room. */
struct operation *questions_begin(struct questions *questions, uint64_t id);
/* Puts the operation into the question that it asks, which may be a new one. False: no room. */
bool questions_ask(struct questions *questions, struct operation *operation,
                   const struct driver_classify *classify, uint64_t now);
/* Takes it out of its question; a question without operations is still there. */
void questions_leave(struct questions *questions, struct operation *operation);
void questions_end(struct questions *questions, struct operation *operation);
void questions_drop(struct questions *questions, struct question *question);

/* How it stands, pointing into the question. */
OPENWFP_HELD questions_show(const struct question *question, uint64_t now);

#endif

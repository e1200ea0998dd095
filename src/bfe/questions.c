#include "questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <fwpsu.h>

#include "model/utf16.h"

_Static_assert(sizeof(struct question_key) % 16 == 0, "is hashed in pieces of 16 bytes");

int questions_init(struct questions *questions)
{
    *questions = (struct questions){0};
    TAILQ_INIT(&questions->list);
    TAILQ_INIT(&questions->loose);
    return getrandom(&questions->seed, sizeof(questions->seed), 0) < 0 ? -errno : 0;
}

void questions_clear(struct questions *questions)
{
    struct operation *operation;

    while ((operation = TAILQ_FIRST(&questions->loose)))
        questions_end(questions, operation);
}

void questions_free(struct questions *questions)
{
    questions_clear(questions);
    index_free(&questions->by_key);
    index_free(&questions->by_id);
    index_free(&questions->operations);
}

static uint64_t hash(const struct questions *questions, const void *bytes, size_t size)
{
    uint64_t result = questions->seed;

    for (size_t at = 0; at < size; at += 16)
        result = index_hash((const char *)bytes + at, result);
    return result;
}

static uint64_t hash_program(const struct questions *questions, const struct question_key *key)
{
    return index_hash_number(key->uid, hash(questions, key->app, sizeof(key->app)));
}

/* ---- operations ---- */

struct operation *questions_operation(const struct questions *questions, uint64_t id)
{
    struct index_node *node =
        index_first(&questions->operations, index_hash_number(id, questions->seed));

    for (; node; node = index_next(node)) {
        struct operation *operation = INDEX_ITEM(node, struct operation, by_id);

        if (operation->id == id)
            return operation;
    }
    return NULL;
}

struct operation *questions_begin(struct questions *questions, uint64_t id)
{
    struct operation *operation;

    if (questions->operation_count == OPERATIONS_MAX || !index_reserve(&questions->operations))
        return NULL;
    operation = calloc(1, sizeof(*operation));
    if (!operation)
        return NULL;
    operation->id = id;
    TAILQ_INSERT_TAIL(&questions->loose, operation, place);
    index_insert(&questions->operations, &operation->by_id, index_hash_number(id, questions->seed));
    questions->operation_count++;
    return operation;
}

void questions_leave(struct questions *questions, struct operation *operation)
{
    struct question *question = operation->question;

    if (!question)
        return;
    TAILQ_REMOVE(&question->operations, operation, place);
    question->count--;
    question->told = false;
    operation->question = NULL;
    TAILQ_INSERT_TAIL(&questions->loose, operation, place);
}

void questions_end(struct questions *questions, struct operation *operation)
{
    questions_leave(questions, operation);
    TAILQ_REMOVE(&questions->loose, operation, place);
    index_remove(&questions->operations, &operation->by_id);
    questions->operation_count--;
    free(operation);
}

/* ---- questions ---- */

/* Whom the operation is about, beside its program: its peer, or where it is when it has none. */
static void set_place(const struct ale_ask *ask, struct question_key *key)
{
    switch (ask->layer) {
    case FWPS_LAYER_ALE_AUTH_CONNECT_V4:
    case FWPS_LAYER_ALE_AUTH_CONNECT_V6:
        key->port = ask->remote_port;
        break;
    default:
        key->port = ask->local_port;
        break;
    }
    switch (ask->layer) {
    case FWPS_LAYER_ALE_AUTH_LISTEN_V4:
    case FWPS_LAYER_ALE_AUTH_LISTEN_V6:
    case FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4:
    case FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6:
        memcpy(key->address, ask->local, sizeof(key->address));
        break;
    default:
        memcpy(key->address, ask->remote, sizeof(key->address));
        break;
    }
}

static struct question_key key_of(const struct driver_classify *classify)
{
    const struct ale_ask *ask = &classify->ask;
    struct question_key key = {.filter = ask->filter_id,
                               .uid = ask->uid,
                               .layer = ask->layer,
                               .protocol = ask->key.protocol};

    set_place(ask, &key);
    memcpy(key.app, classify->app, strnlen(classify->app, sizeof(key.app) - 1));
    return key;
}

static struct question *find_alike(const struct questions *questions,
                                   const struct question_key *key, uint64_t key_hash)
{
    struct index_node *node = index_first(&questions->by_key, key_hash);

    for (; node; node = index_next(node)) {
        struct question *question = INDEX_ITEM(node, struct question, by_key);

        if (!memcmp(&question->key, key, sizeof(*key)))
            return question;
    }
    return NULL;
}

struct question *questions_find(const struct questions *questions, uint64_t id)
{
    struct index_node *node =
        index_first(&questions->by_id, index_hash_number(id, questions->seed));

    for (; node; node = index_next(node)) {
        struct question *question = INDEX_ITEM(node, struct question, by_id);

        if (question->held.id == id)
            return question;
    }
    return NULL;
}

static bool has_room(const struct questions *questions, uint64_t program)
{
    const struct question *question;
    uint32_t count = 0;

    if (questions->count == QUESTIONS_MAX)
        return false;
    for (question = TAILQ_FIRST(&questions->list); question; question = TAILQ_NEXT(question, place))
        count += question->program == program;
    return count < QUESTIONS_MAX_PROGRAM;
}

static uint32_t v4_of(const uint8_t address[16])
{
    return (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16 | (uint32_t)address[14] << 8 |
           address[15];
}

static void show_addresses(const struct ale_ask *ask, OPENWFP_HELD *held)
{
    held->localPort = ask->local_port;
    held->remotePort = ask->remote_port;
    if (ask->family == 4) {
        held->ipVersion = FWP_IP_VERSION_V4;
        held->localAddrV4 = v4_of(ask->local);
        held->remoteAddrV4 = v4_of(ask->remote);
        return;
    }
    held->ipVersion = FWP_IP_VERSION_V6;
    memcpy(&held->localAddrV6, ask->local, sizeof(held->localAddrV6));
    memcpy(&held->remoteAddrV6, ask->remote, sizeof(held->remoteAddrV6));
}

static void show_owner(const struct ale_ask *ask, const char *app, OPENWFP_HELD *held)
{
    WCHAR *path = app[0] ? utf16_from_utf8(app) : NULL;

    held->processId = ask->pid;
    held->processStartTime = ask->start_time;
    held->uid = ask->uid;
    held->gid = ask->gid;
    held->netns = ask->netns;
    held->cgroupId = ask->cgroup;
    memcpy(held->comm, ask->comm, sizeof(held->comm));
    held->comm[sizeof(held->comm) - 1] = 0;
    if (path)
        held->appId =
            (FWP_BYTE_BLOB){(UINT32)((utf16_length(path) + 1) * sizeof(WCHAR)), (UINT8 *)path};
}

static void show_question(const struct ale_ask *ask, const struct question_key *key,
                          OPENWFP_HELD *held)
{
    held->layerId = ask->layer;
    held->direction = ask->direction ? FWP_DIRECTION_INBOUND : FWP_DIRECTION_OUTBOUND;
    held->ipProtocol = ask->key.protocol;
    held->conditionFlags = (UINT32)ask->fields.value[CLASSIFY_FLAGS];
    held->filterId = ask->filter_id;
    held->timeout = OPENWFP_HOLD_CONTEXT_TIMEOUT(ask->filter_context);
    held->defaultAction = OPENWFP_HOLD_CONTEXT_ACTION(ask->filter_context);
    show_addresses(ask, held);
    show_owner(ask, key->app, held);
}

static struct question *make(struct questions *questions, const struct question_key *key,
                             uint64_t key_hash, const struct ale_ask *ask)
{
    uint64_t program = hash_program(questions, key);
    struct question *question;

    if (!has_room(questions, program) || !index_reserve(&questions->by_key) ||
        !index_reserve(&questions->by_id))
        return NULL;
    question = calloc(1, sizeof(*question));
    if (!question)
        return NULL;
    question->key = *key;
    question->program = program;
    TAILQ_INIT(&question->operations);
    show_question(ask, key, &question->held);
    question->held.id = ++questions->last_id;
    index_insert(&questions->by_key, &question->by_key, key_hash);
    index_insert(&questions->by_id, &question->by_id,
                 index_hash_number(question->held.id, questions->seed));
    TAILQ_INSERT_TAIL(&questions->list, question, place);
    questions->count++;
    return question;
}

bool questions_ask(struct questions *questions, struct operation *operation,
                   const struct driver_classify *classify, uint64_t now)
{
    const struct question_key key = key_of(classify);
    uint64_t key_hash = hash(questions, &key, sizeof(key));
    struct question *question = find_alike(questions, &key, key_hash);

    if (!question)
        question = make(questions, &key, key_hash, &classify->ask);
    if (!question)
        return false;
    TAILQ_REMOVE(&questions->loose, operation, place);
    operation->question = question;
    operation->filter = classify->ask.filter_id;
    operation->deadline = now + question->held.timeout;
    TAILQ_INSERT_TAIL(&question->operations, operation, place);
    question->count++;
    question->told = false;
    return true;
}

void questions_drop(struct questions *questions, struct question *question)
{
    index_remove(&questions->by_key, &question->by_key);
    index_remove(&questions->by_id, &question->by_id);
    TAILQ_REMOVE(&questions->list, question, place);
    questions->count--;
    free(question->held.appId.data);
    free(question);
}

OPENWFP_HELD questions_show(const struct question *question, uint64_t now)
{
    const struct operation *oldest = TAILQ_FIRST(&question->operations);
    OPENWFP_HELD held = question->held;

    held.count = question->count;
    held.remaining = oldest && oldest->deadline > now ? (UINT32)(oldest->deadline - now) : 0;
    return held;
}

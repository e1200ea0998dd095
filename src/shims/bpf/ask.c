#include "shims/bpf/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shims/bpf/internal.h"

struct shim_asks {
    struct shim *shim;
    struct ring_buffer *ring;
    int answer; /* a descriptor of the program; another program may be put behind it at any time */
    char held[PATH_MAX], denied[PATH_MAX];
    const struct shim_asks_sink *sink; /* of the poll that is going on */
};

#define BIT(program) (1ull << (program))

/* ---- opening ---- */

/* Pins are this handle's own: what an earlier process left under the name is replaced. */
static int pin_program(int program, const char *path)
{
    if (unlink(path) && errno != ENOENT)
        return -errno;
    return bpf_obj_pin(program, path) ? -errno : 0;
}

static int pin_matches(struct shim_asks *asks, struct shim_error *error)
{
    struct shim *shim = asks->shim;
    int result = pins_path(shim, "match_held", asks->held);

    if (!result)
        result = pins_path(shim, "match_denied", asks->denied);
    if (!result)
        result = pin_program(shim->code.programs[PROGRAM_HELD], asks->held);
    if (!result)
        result = pin_program(shim->code.programs[PROGRAM_DENIED], asks->denied);
    return result ? shim_fail(error, result, "can't pin the programs that match packets in %s: %s",
                              shim->pin_dir, strerror(-result))
                  : 0;
}

/* Puts the present code's program behind the descriptor, which others may be using just now. */
static int take_answer(struct shim_asks *asks, struct shim_error *error)
{
    int fresh = asks->shim->code.programs[PROGRAM_ANSWER];

    if (asks->answer < 0)
        asks->answer = fcntl(fresh, F_DUPFD_CLOEXEC, 3);
    else if (dup3(fresh, asks->answer, O_CLOEXEC) < 0)
        return shim_fail(error, -errno, "can't replace the program that takes answers: %s",
                         strerror(errno));
    return asks->answer < 0 ? shim_fail(error, -errno, "out of descriptors") : 0;
}

int asks_replace(struct shim *shim, struct shim_error *error)
{
    int result =
        code_provide(shim, BIT(PROGRAM_ANSWER) | BIT(PROGRAM_HELD) | BIT(PROGRAM_DENIED), error);

    return result ? result : take_answer(shim->asks, error);
}

static int ask_arrived(void *ctx, void *data, size_t size);

int shim_asks_open(struct shim *shim, struct shim_asks **out, struct shim_error *error)
{
    struct shim_asks *asks = calloc(1, sizeof(*asks));
    int result;

    *out = NULL;
    if (!asks)
        return shim_fail(error, -ENOMEM, "out of memory");
    asks->shim = shim;
    asks->answer = -1;
    shim->asks = asks;
    result = asks_replace(shim, error);
    if (!result)
        result = pin_matches(asks, error);
    if (!result) {
        asks->ring = ring_buffer__new(shim->maps[MAP_ASKS], ask_arrived, asks, NULL);
        if (!asks->ring)
            result =
                shim_fail(error, -errno, "can't read the kernel's questions: %s", strerror(errno));
    }
    if (!result) {
        shim->state->asking = 1;
        result = policy_reconsider(shim, error);
    }
    if (result) {
        shim_asks_close(asks);
        return result;
    }
    *out = asks;
    return 0;
}

void shim_asks_close(struct shim_asks *asks)
{
    if (!asks)
        return;
    ring_buffer__free(asks->ring);
    close_fd(&asks->answer);
    asks->shim->asks = NULL;
    free(asks);
}

const struct shim *asks_shim(const struct shim_asks *asks)
{
    return asks->shim;
}

/* ---- the programs that packets are matched with ---- */

/* The directory of the pins may have got another name since they were made. */
const char *shim_asks_held_path(struct shim_asks *asks)
{
    pins_path(asks->shim, "match_held", asks->held);
    return asks->held;
}

const char *shim_asks_denied_path(struct shim_asks *asks)
{
    pins_path(asks->shim, "match_denied", asks->denied);
    return asks->denied;
}

static int pin_inbound(struct shim *shim, const struct bpf_object *object,
                       enum shim_program program, uint64_t cookie, char *path)
{
    char name[64];

    snprintf(name, sizeof(name), "match_%s_%llu", shim_program_names[program],
             (unsigned long long)cookie);
    int result = pins_path(shim, name, path);
    return result ? result
                  : pin_program(bpf_program__fd(bpf_object__find_program_by_name(
                                    object, shim_program_names[program])),
                                path);
}

int shim_asks_inbound_path(struct shim_asks *asks, int netns_fd, char *held, char *denied,
                           struct shim_error *error)
{
    struct shim *shim = asks->shim;
    struct bpf_object *object;
    uint64_t cookie;
    int result = netns_cookie_of(netns_fd, &cookie);

    if (result)
        return shim_fail(error, result, "can't enter a network namespace: %s", strerror(-result));
    pthread_mutex_lock(&shim->code_lock);
    object = object_load(shim, BIT(PROGRAM_HELD_IN) | BIT(PROGRAM_DENIED_IN), cookie, error);
    if (object)
        result = pin_inbound(shim, object, PROGRAM_HELD_IN, cookie, held);
    if (object && !result)
        result = pin_inbound(shim, object, PROGRAM_DENIED_IN, cookie, denied);
    pthread_mutex_unlock(&shim->code_lock);
    if (!object)
        return error && error->code ? error->code : -EINVAL;
    bpf_object__close(object);
    return result ? shim_fail(error, result, "can't pin the programs that match packets: %s",
                              strerror(-result))
                  : 0;
}

int shim_asks_network(struct shim_asks *asks, int netns_fd, bool queued)
{
    int map = asks->shim->maps[MAP_HELD_NETWORKS];
    uint32_t here = 1;
    uint64_t cookie;
    int result = netns_cookie_of(netns_fd, &cookie);

    if (result)
        return result;
    if (queued)
        return bpf_map_update_elem(map, &cookie, &here, BPF_ANY) ? -errno : 0;
    return bpf_map_delete_elem(map, &cookie) && errno != ENOENT ? -errno : 0;
}

/* ---- questions ---- */

int shim_asks_fd(const struct shim_asks *asks)
{
    return ring_buffer__epoll_fd(asks->ring);
}

static int ask_arrived(void *ctx, void *data, size_t size)
{
    struct shim_asks *asks = ctx;
    const struct ale_ask_packet *packet = data;

    if (packet->kind == ALE_ASK_PACKET && size >= sizeof(*packet))
        asks->sink->packet(asks->sink->ctx, packet);
    else if (packet->kind != ALE_ASK_PACKET && size >= sizeof(struct ale_ask))
        asks->sink->ask(asks->sink->ctx, data);
    return 0;
}

int shim_asks_poll(struct shim_asks *asks, const struct shim_asks_sink *sink)
{
    asks->sink = sink;
    return ring_buffer__consume(asks->ring);
}

static int run_answer(struct shim_asks *asks, struct ale_answer *answer)
{
    /* For this kind of program the kernel writes the context back to where it came from. */
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = answer, .ctx_size_in = sizeof(*answer));

    pthread_mutex_lock(&asks->shim->answer_lock);
    int result = bpf_prog_test_run_opts(asks->answer, &options) ? -errno : 0;
    pthread_mutex_unlock(&asks->shim->answer_lock);
    return result;
}

int shim_asks_recover(struct shim_asks *asks, const struct shim_asks_sink *sink)
{
    int map = asks->shim->maps[MAP_HELD];
    struct ale_held_key key, next, *previous = NULL;

    while (!bpf_map_get_next_key(map, previous, &next)) {
        struct ale_answer answer = {.key = next, .mode = ALE_SHOW};

        key = next;
        previous = &key;
        if (!run_answer(asks, &answer) && answer.outcome == ALE_OUTCOME_ASK)
            sink->ask(sink->ctx, &answer.next);
    }
    return 0;
}

/* ---- answers ---- */

static void address_of_event(uint8_t family, const uint8_t from[16], uint8_t to[16])
{
    if (family == 6)
        memcpy(to, from, 16);
    else
        memcpy(to, from + 12, 4);
}

static void destroy_asked(const struct ale_ask *ask)
{
    struct ale_event event = {
        .cookie = ask->key.cookie,
        .family = ask->family,
        .protocol = ask->key.protocol,
        .local_port = ask->local_port,
        .remote_port = ask->remote_port,
        .netns = ask->netns,
    };

    address_of_event(ask->family, ask->local, event.local);
    address_of_event(ask->family, ask->remote, event.remote);
    destroy_socket(ask->pid, &event);
}

void shim_asks_destroy(const struct ale_ask *ask, const struct ale_ask_packet *ends)
{
    struct ale_ask socket = *ask;

    socket.local_port = ends->source_port;
    socket.remote_port = ends->destination_port;
    memcpy(socket.local, ends->source, sizeof(socket.local));
    memcpy(socket.remote, ends->destination, sizeof(socket.remote));
    destroy_asked(&socket);
}

int shim_asks_answer(struct shim_asks *asks, struct ale_answer *answer)
{
    answer->next.operation = 0;
    int result = run_answer(asks, answer);

    /* What can't be found is gone already, or not reachable by any peer. */
    if (!result && answer->outcome == ALE_OUTCOME_BLOCKED && answer->next.operation)
        destroy_asked(&answer->next);
    return result;
}

int shim_asks_watch(struct shim_asks *asks, uint64_t cookie, bool watch)
{
    int map = asks->shim->maps[MAP_HELD_WATCHED];
    uint32_t here = 1;

    if (watch)
        return bpf_map_update_elem(map, &cookie, &here, BPF_ANY) ? -errno : 0;
    return bpf_map_delete_elem(map, &cookie) && errno != ENOENT ? -errno : 0;
}

int shim_asks_abort(struct shim_asks *asks, const uint64_t *flows, uint32_t count)
{
    return flows_abort(asks->shim, flows, count);
}

const char *shim_asks_app(const struct shim_asks *asks, uint32_t app)
{
    const struct ale_path *name = app ? app_name(asks->shim, app) : NULL;

    return name ? name->text : "";
}

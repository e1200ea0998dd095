/*
 * Many filters at a time. They travel in requests of moderate size; while the service works at one
 * the next are made and under way. The service begins none after one that failed.
 */
#include <string.h>

#include "client.h"

#define AHEAD        3u /* requests under way */
#define MANY_ADDED   256u
#define MANY_DELETED 4096u
#define MANY_BYTES   (4u << 20)

/* What is to be done to an array, the next piece of which is made into a request. */
struct many {
    struct call call;
    Rpc__Reply__ResultCase result;
    UINT32 count; /* of the array */
    UINT32 sent, done;
    bool refused; /* by the service: nothing after that was done, whatever else is wrong */
    /* Makes call.request from index `sent` on; how many are in it, 0 when the call has failed. */
    UINT32 (*encode)(struct many *many);
    /* How many of a piece the reply says are done. */
    UINT32 (*take)(struct many *many, const Rpc__Reply *reply);
    const FWPM_FILTER0 *filters;
    UINT64 *added_ids;
    const UINT64 *deleted_ids;
    union {
        Rpc__AddMany add;
        Rpc__DeleteMany delete;
    };
};

/* ---- adding */

static UINT32 smaller(UINT32 a, UINT32 b)
{
    return a < b ? a : b;
}

/* Those before one that can't be encoded are added all the same. */
static UINT32 encode_filters(struct many *many)
{
    UINT32 most = smaller(many->count - many->sent, MANY_ADDED);
    Rpc__AddMany *message = &many->add;
    size_t bytes = 0;

    rpc__add_many__init(message);
    message->follows = many->sent > 0;
    message->filters = arena_array(many->call.converter.arena, most, sizeof(void *));
    if (!message->filters) {
        call_refuse(&many->call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
        return 0;
    }
    while (message->n_filters < most && bytes < MANY_BYTES) {
        const FWPM_FILTER0 *filter = &many->filters[many->sent + message->n_filters];
        Rpc__Filter *encoded = encode_filter(&many->call.converter, filter);

        if (!encoded) {
            call_failed(&many->call);
            break;
        }
        bytes += rpc__filter__get_packed_size(encoded);
        message->filters[message->n_filters++] = encoded;
    }
    many->call.request.call_case = RPC__REQUEST__CALL_ADD_MANY;
    many->call.request.add_many = message;
    return (UINT32)message->n_filters;
}

static UINT32 take_ids(struct many *many, const Rpc__Reply *reply)
{
    const Rpc__AddedMany *answer = reply->added_many;
    UINT32 count = smaller((UINT32)answer->n_ids, many->sent - many->done);

    if (many->added_ids)
        memcpy(many->added_ids + many->done, answer->ids, count * sizeof(*answer->ids));
    return count;
}

/* ---- deleting */

static UINT32 encode_ids(struct many *many)
{
    Rpc__DeleteMany *message = &many->delete;

    rpc__delete_many__init(message);
    message->follows = many->sent > 0;
    message->ids = (uint64_t *)many->deleted_ids + many->sent;
    message->n_ids = smaller(many->count - many->sent, MANY_DELETED);
    many->call.request.call_case = RPC__REQUEST__CALL_DELETE_MANY;
    many->call.request.delete_many = message;
    return (UINT32)message->n_ids;
}

static UINT32 take_count(struct many *many, const Rpc__Reply *reply)
{
    return smaller(reply->deleted_many->count, many->sent - many->done);
}

/* ---- both */

/* True: the piece is under way. */
static bool send_piece(struct many *many, uint32_t *id)
{
    UINT32 count = many->encode(many);
    bool sent = count && call_post(&many->call, id);

    arena_reset(many->call.converter.arena);
    many->sent += count;
    return sent;
}

static void receive_piece(struct many *many, uint32_t id)
{
    struct call *call = &many->call;
    struct call before = *call;

    if (!call_receive(call, id, many->result)) {
        if (many->refused)
            *call = before;
        many->refused = true;
    }
    if (call->reply && call->reply->result_case == many->result)
        many->done += many->take(many, call->reply);
    call->reply = NULL;
    arena_reset(call->converter.arena);
}

static void run(struct many *many)
{
    uint32_t ids[AHEAD];
    unsigned first = 0, next = 0; /* of those under way, counted from the beginning */

    do {
        while (!many->call.code && many->sent < many->count && next - first < AHEAD)
            if (send_piece(many, &ids[next % AHEAD]))
                next++;
        if (first < next)
            receive_piece(many, ids[first++ % AHEAD]);
    } while (first < next || (!many->call.code && many->sent < many->count));
}

static DWORD begin_and_run(struct many *many, HANDLE engineHandle, UINT32 *done)
{
    if (call_begin(&many->call, engineHandle))
        run(many);
    if (done)
        *done = many->done;
    return call_end(&many->call);
}

EXPORT DWORD WINAPI OpenWfpFilterAddMany(HANDLE engineHandle, const FWPM_FILTER0 *filters,
                                         UINT32 numFilters, UINT64 *ids, UINT32 *added)
{
    struct many many = {.result = RPC__REPLY__RESULT_ADDED_MANY,
                        .count = numFilters,
                        .encode = encode_filters,
                        .take = take_ids,
                        .filters = filters,
                        .added_ids = ids};

    if (added)
        *added = 0;
    if (numFilters && !filters)
        return error_set(FWP_E_NULL_POINTER, "filters is a null pointer");
    return begin_and_run(&many, engineHandle, added);
}

EXPORT DWORD WINAPI OpenWfpFilterDeleteMany(HANDLE engineHandle, const UINT64 *ids,
                                            UINT32 numFilters, UINT32 *deleted)
{
    struct many many = {.result = RPC__REPLY__RESULT_DELETED_MANY,
                        .count = numFilters,
                        .encode = encode_ids,
                        .take = take_count,
                        .deleted_ids = ids};

    if (deleted)
        *deleted = 0;
    if (numFilters && !ids)
        return error_set(FWP_E_NULL_POINTER, "ids is a null pointer");
    return begin_and_run(&many, engineHandle, deleted);
}

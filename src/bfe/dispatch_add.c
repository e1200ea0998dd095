/* Adding objects: one function for each kind. */
#include "dispatch.h"

#include "service.h"

struct added {
    GUID key;
    uint64_t id;
};

static const FWP_BYTE_BLOB *given_sd(const Rpc__Add *add, FWP_BYTE_BLOB *sd)
{
    if (!add->sd.len)
        return NULL;
    sd->data = add->sd.data;
    sd->size = (UINT32)add->sd.len;
    return sd;
}

static uint32_t add_provider(struct client *client, const Rpc__Add *add, const FWP_BYTE_BLOB *sd,
                             struct added *added)
{
    FWPM_PROVIDER0 provider = {0};

    if (!decode_provider(&client->convert, add->provider, &provider))
        return client->convert.error.code;
    return model_provider_add(client->session, &provider, sd, &added->key, &client->convert.error);
}

static uint32_t add_provider_context(struct client *client, const Rpc__Add *add,
                                     const FWP_BYTE_BLOB *sd, struct added *added)
{
    FWPM_PROVIDER_CONTEXT0 context = {0};

    if (!decode_provider_context(&client->convert, add->provider_context, &context))
        return client->convert.error.code;
    return model_provider_context_add(client->session, &context, sd, &added->key, &added->id,
                                      &client->convert.error);
}

static uint32_t add_sublayer(struct client *client, const Rpc__Add *add, const FWP_BYTE_BLOB *sd,
                             struct added *added)
{
    FWPM_SUBLAYER0 sublayer = {0};

    if (!decode_sublayer(&client->convert, add->sublayer, &sublayer))
        return client->convert.error.code;
    return model_sublayer_add(client->session, &sublayer, sd, &added->key, &client->convert.error);
}

static uint32_t add_callout(struct client *client, const Rpc__Add *add, const FWP_BYTE_BLOB *sd,
                            struct added *added)
{
    FWPM_CALLOUT0 callout = {0};
    uint32_t id = 0, code;

    if (!decode_callout(&client->convert, add->callout, &callout))
        return client->convert.error.code;
    code =
        model_callout_add(client->session, &callout, sd, &added->key, &id, &client->convert.error);
    added->id = id;
    return code;
}

static uint32_t add_filter(struct client *client, const Rpc__Add *add, const FWP_BYTE_BLOB *sd,
                           struct added *added)
{
    FWPM_FILTER0 filter = {0};

    if (!decode_filter(&client->convert, add->filter, &filter))
        return client->convert.error.code;
    return model_filter_add(client->session, &filter, sd, &added->key, &added->id,
                            &client->convert.error);
}

static uint32_t add_any(struct client *client, const Rpc__Add *add, struct added *added)
{
    FWP_BYTE_BLOB blob;
    const FWP_BYTE_BLOB *sd = given_sd(add, &blob);

    switch (add->object_case) {
    case RPC__ADD__OBJECT_PROVIDER:
        return add_provider(client, add, sd, added);
    case RPC__ADD__OBJECT_PROVIDER_CONTEXT:
        return add_provider_context(client, add, sd, added);
    case RPC__ADD__OBJECT_SUBLAYER:
        return add_sublayer(client, add, sd, added);
    case RPC__ADD__OBJECT_CALLOUT:
        return add_callout(client, add, sd, added);
    case RPC__ADD__OBJECT_FILTER:
        return add_filter(client, add, sd, added);
    default:
        return client_error(client, FWP_E_NULL_POINTER, "the object to add is missing");
    }
}

uint32_t call_add(struct client *client, const Rpc__Request *request)
{
    /* Before the model is changed: an add that is done must be answered as done. */
    Rpc__Added *message = client_message(client, &rpc__added__descriptor);
    struct added *added = arena_alloc(&client->arena, sizeof(*added));
    uint32_t code;

    if (!message || !added)
        return client_no_memory(client);
    code = add_any(client, request->add, added);
    if (code != ERROR_SUCCESS)
        return code;
    message->key = encode_guid(&added->key);
    message->id = added->id;
    client->reply.added = message;
    client->reply.result_case = RPC__REPLY__RESULT_ADDED;
    return ERROR_SUCCESS;
}

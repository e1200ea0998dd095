/*
 * Between the public structures and the messages of openwfp.proto.
 *
 * encode_* builds a message in the arena that points to the structure's own bytes: the structure
 * must live until the message is packed. decode_* fills in a structure whose pointers go to the
 * arena and to the message's bytes: unpack the message with the same arena's allocator, and both
 * end together with it.
 *
 * Both directions check: numbers of enumerated types, lengths, counts, null pointers where there
 * must be something. On failure they return NULL or false, and converter.error says what is wrong.
 * What only the model can know (is the key there, is this match type legal) it checks itself.
 */
#ifndef OPENWFP_RPC_CONVERT_H
#define OPENWFP_RPC_CONVERT_H

#include <stdbool.h>

#include <openwfp.h>

#include "model/model.h"
#include "openwfp.pb-c.h"
#include "rpc/arena.h"

#define RPC_VERSION        1
#define RPC_TOKEN_SIZE     16
#define RPC_MAX_CONDITIONS 4096u
#define RPC_MAX_BLOB       65536u /* providerData, blobs and strings in conditions */
#define RPC_MAX_STRING     4096u  /* 16-bit units of a name or description */
#define RPC_MAX_SIDS       1024u
#define RPC_MAX_FIELDS     256u
#define RPC_MAX_OBJECT     (8u << 20) /* a callout's object file */

struct converter {
    struct arena *arena;
    struct model_error error;
};

/* ---- messages as bytes ---- */

/* NULL: malformed (RPC_X_BAD_STUB_DATA) or too big (ERROR_NOT_ENOUGH_MEMORY). */
Rpc__Request *unpack_request(struct converter *c, const uint8_t *bytes, size_t size);
Rpc__Reply *unpack_reply(struct converter *c, const uint8_t *bytes, size_t size);
Rpc__Delivery *unpack_delivery(struct converter *c, const uint8_t *bytes, size_t size);

/* ---- pieces ---- */

/* A GUID in a structure: the zero one is no bytes. A pointer to a GUID: NULL is no bytes. */
ProtobufCBinaryData encode_guid(const GUID *guid);
ProtobufCBinaryData encode_guid_pointer(const GUID *guid);
bool decode_guid(struct converter *c, const char *what, ProtobufCBinaryData bytes, GUID *guid);
bool decode_guid_pointer(struct converter *c, const char *what, ProtobufCBinaryData bytes,
                         GUID **guid);
bool encode_blob(struct converter *c, const char *what, const FWP_BYTE_BLOB *blob,
                 ProtobufCBinaryData *bytes);
bool decode_blob(struct converter *c, const char *what, ProtobufCBinaryData bytes,
                 FWP_BYTE_BLOB *blob);
/* A self-relative descriptor, whose size is taken from itself; NULL: no bytes. On the other side
 * decode_blob gets it, and the model checks it. */
bool encode_sd(struct converter *c, PSECURITY_DESCRIPTOR sd, ProtobufCBinaryData *bytes);
/* The size of a self-relative descriptor that the caller vouches for; 0: it can't be one. */
size_t sd_length(PSECURITY_DESCRIPTOR descriptor);

Rpc__Value *encode_value(struct converter *c, const FWP_VALUE0 *value);
bool decode_value(struct converter *c, const Rpc__Value *message, FWP_VALUE0 *value);
bool encode_conditions(struct converter *c, UINT32 count, const FWPM_FILTER_CONDITION0 *conditions,
                       size_t *n, Rpc__Condition ***messages);
bool decode_conditions(struct converter *c, size_t n, Rpc__Condition **messages, UINT32 *count,
                       FWPM_FILTER_CONDITION0 **conditions);

/* ---- objects ---- */

Rpc__Provider *encode_provider(struct converter *c, const FWPM_PROVIDER0 *provider);
Rpc__ProviderContext *encode_provider_context(struct converter *c,
                                              const FWPM_PROVIDER_CONTEXT0 *context);
Rpc__Sublayer *encode_sublayer(struct converter *c, const FWPM_SUBLAYER0 *sublayer);
Rpc__Callout *encode_callout(struct converter *c, const FWPM_CALLOUT0 *callout);
Rpc__Filter *encode_filter(struct converter *c, const FWPM_FILTER0 *filter);
Rpc__Layer *encode_layer(struct converter *c, const FWPM_LAYER0 *layer);
Rpc__Session *encode_session(struct converter *c, const FWPM_SESSION0 *session);
Rpc__NetEvent *encode_net_event(struct converter *c, const OPENWFP_NET_EVENT *event);

bool decode_provider(struct converter *c, const Rpc__Provider *message, FWPM_PROVIDER0 *provider);
bool decode_provider_context(struct converter *c, const Rpc__ProviderContext *message,
                             FWPM_PROVIDER_CONTEXT0 *context);
bool decode_sublayer(struct converter *c, const Rpc__Sublayer *message, FWPM_SUBLAYER0 *sublayer);
bool decode_callout(struct converter *c, const Rpc__Callout *message, FWPM_CALLOUT0 *callout);
bool decode_filter(struct converter *c, const Rpc__Filter *message, FWPM_FILTER0 *filter);
bool decode_layer(struct converter *c, const Rpc__Layer *message, FWPM_LAYER0 *layer);
bool decode_session(struct converter *c, const Rpc__Session *message, FWPM_SESSION0 *session);
bool decode_net_event(struct converter *c, const Rpc__NetEvent *message, OPENWFP_NET_EVENT *event);

/*
 * The answers to get and enum_next, by kind: `objects` are the structures above (NET_EVENT:
 * OPENWFP_NET_EVENT). decode hands out an array of pointers in the arena, and fails when the
 * message is of another kind.
 */
Rpc__Objects *encode_objects(struct converter *c, enum model_kind kind, size_t count,
                             const void *const *objects);
bool decode_objects(struct converter *c, enum model_kind kind, const Rpc__Objects *message,
                    size_t *count, void ***objects);

/* The template of a kind: its FWPM_*_ENUM_TEMPLATE0, NULL = all (also for kinds without one). */
bool encode_template(struct converter *c, enum model_kind kind, const void *template_,
                     Rpc__Template **message);
bool decode_template(struct converter *c, enum model_kind kind, const Rpc__Template *message,
                     const void **template_);

/* Kinds from the wire; false: not one of them (FWP_E_INVALID_PARAMETER). */
bool decode_kind(struct converter *c, Rpc__Kind number, enum model_kind *kind);

/* ---- beyond Windows ---- */

Rpc__Explain *encode_explain(struct converter *c, const OPENWFP_EXPLAIN_REQUEST *request);
bool decode_explain(struct converter *c, const Rpc__Explain *message,
                    OPENWFP_EXPLAIN_REQUEST *request);
Rpc__Explained *encode_explanation(struct converter *c, const OPENWFP_EXPLANATION *explanation);
bool decode_explanation(struct converter *c, const Rpc__Explained *message,
                        OPENWFP_EXPLANATION *explanation);
Rpc__Report *encode_report(struct converter *c, const OPENWFP_ENGINE_REPORT *report);
bool decode_report(struct converter *c, const Rpc__Report *message, OPENWFP_ENGINE_REPORT *report);
Rpc__Classifier *encode_classifier(struct converter *c, const OPENWFP_CLASSIFIER *classifier);
bool decode_classifier(struct converter *c, const Rpc__Classifier *message,
                       OPENWFP_CLASSIFIER *classifier);
Rpc__LoadedCallouts *encode_loaded_callouts(struct converter *c, size_t count,
                                            const OPENWFP_LOADED_CALLOUT *callouts);
bool decode_loaded_callouts(struct converter *c, const Rpc__LoadedCallouts *message, size_t *count,
                            void ***callouts);
Rpc__Hold *encode_hold(struct converter *c, const OPENWFP_HOLD *hold);
bool decode_hold(struct converter *c, const Rpc__Hold *message, OPENWFP_HOLD *hold);
Rpc__Drivers *encode_drivers(struct converter *c, size_t count, const OPENWFP_DRIVER *drivers);
bool decode_drivers(struct converter *c, const Rpc__Drivers *message, size_t *count,
                    void ***drivers);
Rpc__Flows *encode_flows(struct converter *c, size_t count, const OPENWFP_FLOW *flows);
bool decode_flows(struct converter *c, const Rpc__Flows *message, size_t *count, void ***flows);
Rpc__HeldNotice *encode_held_notice(struct converter *c, const OPENWFP_HELD_NOTICE *notice);
bool decode_held_notice(struct converter *c, const Rpc__HeldNotice *message,
                        OPENWFP_HELD_NOTICE *notice);
Rpc__HeldList *encode_held_list(struct converter *c, size_t count, const OPENWFP_HELD *held);
bool decode_held_list(struct converter *c, const Rpc__HeldList *message, size_t *count,
                      void ***held);
/* FWP_ACTION_PERMIT or FWP_ACTION_BLOCK (FWP_E_INVALID_ACTION_TYPE). */
bool check_decision(struct converter *c, const char *what, uint32_t action);

#endif

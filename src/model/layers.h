/*
 * The table of WFP's layers, conditions, built-in objects and error codes.
 *
 * Everything here is constant and lives for ever. It is made at build time from the JSON files in
 * src/model/tables; the GUIDs and numbers of the public headers come from the same files.
 */
#ifndef OPENWFP_MODEL_LAYERS_H
#define OPENWFP_MODEL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fwpmtypes.h>

/* What a condition on a field may hold (rule 3.2). */
enum condition_class {
    CONDITION_ADDR, /* by the layer's family: FWP_UINT32 or FWP_BYTE_ARRAY16_TYPE, mask, range */
    CONDITION_U8,
    CONDITION_U16,
    CONDITION_U32,
    CONDITION_U64,
    CONDITION_FLAGS, /* FWP_UINT32 with FWP_MATCH_FLAGS_* */
    CONDITION_BLOB,
    CONDITION_SD, /* a condition holds FWP_SECURITY_DESCRIPTOR_TYPE, the field a token */
    CONDITION_SID,
    CONDITION_MAC, /* FWP_BYTE_ARRAY6_TYPE */
    CONDITION_ARRAY16,
    CONDITION_RESERVED, /* takes no condition */
};

struct condition_info {
    GUID key;
    const char *name; /* "IP_REMOTE_PORT" */
    uint8_t cls;      /* enum condition_class */
};

struct layer_field {
    const GUID *condition;
    const char *name;   /* of the run-time field, "PROFILE_ID"; often the condition's */
    uint16_t data_type; /* FWP_DATA_TYPE as classified */
    uint8_t field_type; /* FWPM_FIELD_TYPE */
    uint8_t cls;        /* enum condition_class */
    int8_t slot;        /* enum classify_slot; -1: never present on Linux */
};

enum layer_support {
    LAYER_ENFORCED,
    LAYER_NAMED,    /* Linux has such an event, OpenWFP does not classify it */
    LAYER_ABSENT,   /* Linux has nothing like it */
    LAYER_RESERVED, /* Windows refuses filters here, too (rule 1.6) */
};

struct layer_info {
    uint16_t id;            /* FWPS_LAYER_*; also its place in the table */
    const char *name;       /* "ALE_AUTH_CONNECT_V4" */
    const char *short_name; /* "connect", the same for V4 and V6; NULL unless enforced */
    GUID key;               /* all zeros: the layer has no management GUID */
    uint8_t family;         /* 4, 6; 0: neither */
    uint16_t field_count;
    const struct layer_field *fields; /* in the order of FWPS_FIELDS_* */
    uint32_t flags;                   /* FWPM_LAYER_FLAG_* */
    uint8_t support;                  /* enum layer_support */
    const char *hook;                 /* where Linux tells us of it; NULL unless enforced */
    const char *event;                /* what happens there, a phrase */
};

size_t layer_count(void);
const struct layer_info *layer_at(size_t place);
/* These return NULL when there is none. */
const struct layer_info *layer_by_id(uint16_t id);
const struct layer_info *layer_by_key(const GUID *key);
/* "ALE_AUTH_CONNECT_V4", with or without FWPM_LAYER_ or FWPS_LAYER_ before it; any case. */
const struct layer_info *layer_by_name(const char *name);
/* "connect" and 4 or 6. */
const struct layer_info *layer_by_short_name(const char *name, uint8_t family);
/* The field that a condition key means at this layer; NULL: FWP_E_CONDITION_NOT_FOUND. */
const struct layer_field *layer_find_field(const struct layer_info *layer, const GUID *condition);
/*
 * Why the layer takes no filters: ERROR_NOT_SUPPORTED where Linux has the event, else
 * FWP_E_LAYER_NOT_FOUND; ERROR_SUCCESS when it takes them.
 */
uint32_t layer_refusal(const struct layer_info *layer);

size_t condition_count(void);
const struct condition_info *condition_at(size_t place);
const struct condition_info *condition_by_key(const GUID *key);
/* "IP_REMOTE_PORT" or an alias like "ICMP_CODE", with or without FWPM_CONDITION_; any case. */
const struct condition_info *condition_by_name(const char *name);

/* Objects that are always there (rule 30.1). Sublayer weights are ours, see docs/layers.md. */
struct builtin_info {
    GUID key;
    const char *name; /* "UNIVERSAL" */
    const char *text; /* may be NULL */
    uint16_t weight;  /* of sublayers */
};

extern const struct builtin_info table_sublayers[], table_providers[], table_callouts[],
    table_openwfp_callouts[], table_provider_contexts[];
extern const size_t table_sublayers_count, table_providers_count, table_callouts_count,
    table_openwfp_callouts_count, table_provider_contexts_count;

/* "FWP_E_FILTER_NOT_FOUND"; NULL for a code that is not in the table. */
const char *fwp_error_name(uint32_t code);
/* A sentence without a full stop; NULL for a code that is not in the table. */
const char *fwp_error_text(uint32_t code);
/* The other way; false: no such name. */
bool fwp_error_by_name(const char *name, uint32_t *code);

#endif

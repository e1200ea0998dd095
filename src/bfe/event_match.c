/* Which net events a template selects: conditions on the same field are ORed, fields ANDed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_log.h"
#include "model/guid.h"
#include "model/interval.h"
#include "model/sd.h"
#include "model/utf16.h"

enum event_field {
    FIELD_PROTOCOL,
    FIELD_LOCAL_ADDRESS,
    FIELD_REMOTE_ADDRESS,
    FIELD_LOCAL_PORT,
    FIELD_REMOTE_PORT,
    FIELD_APP,
    FIELD_USER,
    FIELD_TYPE,
    FIELDS
};

static enum event_field field_of(const GUID *key)
{
    const GUID *const keys[FIELDS] = {
        [FIELD_PROTOCOL] = &FWPM_CONDITION_IP_PROTOCOL,
        [FIELD_LOCAL_ADDRESS] = &FWPM_CONDITION_IP_LOCAL_ADDRESS,
        [FIELD_REMOTE_ADDRESS] = &FWPM_CONDITION_IP_REMOTE_ADDRESS,
        [FIELD_LOCAL_PORT] = &FWPM_CONDITION_IP_LOCAL_PORT,
        [FIELD_REMOTE_PORT] = &FWPM_CONDITION_IP_REMOTE_PORT,
        [FIELD_APP] = &FWPM_CONDITION_ALE_APP_ID,
        [FIELD_USER] = &FWPM_CONDITION_ALE_USER_ID,
        [FIELD_TYPE] = &FWPM_CONDITION_NET_EVENT_TYPE,
    };
    int field = 0;

    while (field < FIELDS && !guid_equal(key, keys[field]))
        field++;
    return field;
}

static bool is_address(enum event_field field)
{
    return field == FIELD_LOCAL_ADDRESS || field == FIELD_REMOTE_ADDRESS;
}

static number address(const struct shim_event *event, const uint8_t bytes[16])
{
    if (event->family == 6)
        return number_of_bytes(bytes);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static number value_of(const struct shim_event *event, enum event_field field)
{
    switch (field) {
    case FIELD_PROTOCOL:
        return event->protocol;
    case FIELD_LOCAL_ADDRESS:
        return address(event, event->local);
    case FIELD_REMOTE_ADDRESS:
        return address(event, event->remote);
    case FIELD_LOCAL_PORT:
        return event->local_port;
    case FIELD_REMOTE_PORT:
        return event->remote_port;
    default:
        return event->action == SHIM_BLOCK ? FWPM_NET_EVENT_TYPE_CLASSIFY_DROP
                                           : FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW;
    }
}

static bool number_matches(const struct shim_event *event, enum event_field field,
                           const FWPM_FILTER_CONDITION0 *condition)
{
    number value = value_of(event, field);
    struct interval intervals[2];
    unsigned width = 0;
    int count = condition_intervals(condition, intervals, &width);

    if (is_address(field) && width != (event->family == 6 ? 128 : 32))
        return false;
    for (int i = 0; i < count; i++)
        if (value >= intervals[i].low && value <= intervals[i].high)
            return true;
    return false;
}

static bool app_matches(const struct shim_event *event, const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_BYTE_BLOB *blob = condition->conditionValue.byteBlob;
    WCHAR *path = utf16_from_utf8(event->app);
    bool equal;

    if (!path)
        return false;
    equal = blob->size == (utf16_length(path) + 1) * sizeof(WCHAR) &&
            !memcmp(blob->data, path, blob->size);
    free(path);
    return equal == (condition->matchType == FWP_MATCH_EQUAL);
}

/* The event tells uid and gid; other groups of the process are not known any more. */
static bool user_matches(const struct shim_event *event, const FWPM_FILTER_CONDITION0 *condition)
{
    const struct sid sids[] = {sid_of_uid(event->uid), sid_of_gid(event->gid)};
    const struct sd_token token = {sids, 2};
    const FWP_BYTE_BLOB *blob = condition->conditionValue.sd;
    struct sid sid;
    struct sd sd;
    bool matches;

    if (condition->conditionValue.type == FWP_SID)
        matches = sid_load(&sid, condition->conditionValue.sid, SID_MAX_SIZE) &&
                  sid_equal(&sid, &sids[0]);
    else
        matches = sd_open(&sd, blob->data, blob->size, NULL) &&
                  sd_check(&sd, &token, FWP_ACTRL_MATCH_FILTER, NULL);
    return matches == (condition->matchType == FWP_MATCH_EQUAL);
}

static bool condition_matches(const struct shim_event *event,
                              const FWPM_FILTER_CONDITION0 *condition)
{
    enum event_field field = field_of(&condition->fieldKey);

    if (field == FIELD_APP)
        return app_matches(event, condition);
    if (field == FIELD_USER)
        return user_matches(event, condition);
    return number_matches(event, field, condition);
}

static bool conditions_match(const struct shim_event *event,
                             const FWPM_FILTER_CONDITION0 *conditions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool matches = false;

        for (uint32_t j = 0; j < count && !matches; j++)
            if (guid_equal(&conditions[j].fieldKey, &conditions[i].fieldKey))
                matches = condition_matches(event, &conditions[j]);
        if (!matches)
            return false;
    }
    return true;
}

static uint64_t filetime(const FILETIME *time)
{
    return (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

bool event_matches(const struct shim_event *event, const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_)
{
    uint64_t time = event_filetime(event->time_ns);

    if (!template_)
        return true;
    if (time < filetime(&template_->startTime))
        return false;
    if (filetime(&template_->endTime) && time > filetime(&template_->endTime))
        return false;
    return conditions_match(event, template_->filterCondition, template_->numFilterConditions);
}

static uint32_t refuse(struct model_error *error, uint32_t code, const char *text)
{
    error->code = code;
    snprintf(error->text, sizeof(error->text), "%s", text);
    return code;
}

static uint32_t check_condition(const FWPM_FILTER_CONDITION0 *condition, struct model_error *error)
{
    enum event_field field = field_of(&condition->fieldKey);
    FWP_DATA_TYPE type = condition->conditionValue.type;
    bool equality =
        condition->matchType == FWP_MATCH_EQUAL || condition->matchType == FWP_MATCH_NOT_EQUAL;
    struct interval intervals[2];
    unsigned width;

    if (field == FIELDS)
        return refuse(error, FWP_E_CONDITION_NOT_FOUND,
                      "net events can be selected by protocol, addresses, ports, program, user "
                      "and event type only");
    if (field == FIELD_APP || field == FIELD_USER) {
        if (!equality)
            return refuse(error, FWP_E_MATCH_TYPE_MISMATCH,
                          "programs and users of net events are tested for EQUAL or NOT_EQUAL");
        if (field == FIELD_APP ? type != FWP_BYTE_BLOB_TYPE
                               : type != FWP_SECURITY_DESCRIPTOR_TYPE && type != FWP_SID)
            return refuse(error, FWP_E_TYPE_MISMATCH, "this type does not fit the field");
        return ERROR_SUCCESS;
    }
    if (condition_intervals(condition, intervals, &width) == INTERVALS_NONE)
        return refuse(error, FWP_E_TYPE_MISMATCH,
                      "this field of net events is compared with numbers or addresses");
    return ERROR_SUCCESS;
}

uint32_t event_template_check(const FWPM_NET_EVENT_ENUM_TEMPLATE0 *template_,
                              struct model_error *error)
{
    uint32_t code = ERROR_SUCCESS;

    if (!template_)
        return ERROR_SUCCESS;
    if (filetime(&template_->endTime) &&
        filetime(&template_->endTime) < filetime(&template_->startTime))
        return refuse(error, FWP_E_INVALID_INTERVAL, "endTime is before startTime");
    for (uint32_t i = 0; code == ERROR_SUCCESS && i < template_->numFilterConditions; i++)
        code = check_condition(&template_->filterCondition[i], error);
    return code;
}

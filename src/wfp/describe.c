#include "src/wfp/describe.h"

#include <string.h>

#include <openwfp.h>

#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/model/sd.h"
#include "src/wfp/arena.h"
#include "src/wfp/json.h"
#include "src/wfp/policy/hold.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/words.h"

/* The filter's layer, as far as the language knows it. */
struct scene {
    const struct describer *describer;
    const FWPM_FILTER0 *filter;
    bool known;
    enum rule_layer layer;
    enum family family;
    bool icmp;
};

static const char *join(struct arena *arena, const char *before, const char *word)
{
    return *before == '\0' ? word : arena_printf(arena, "%s %s", before, word);
}

/* ---- the action ---- */

static const char *callout_name(const struct describer *describer, const GUID *key)
{
    char text[GUID_TEXT_SIZE];
    const char *name = describer->callout == NULL ? NULL : describer->callout(describer->ctx, key);
    if (name == NULL)
        return arena_strdup(describer->arena, guid_format(key, text));
    return strpbrk(name, " \t{},=\"#") == NULL ? name
                                               : arena_printf(describer->arena, "\"%s\"", name);
}

bool describe_is_hold(const FWPM_FILTER0 *filter)
{
    const struct layer_info *info = layer_by_key(&filter->layerKey);
    enum rule_layer layer;
    enum family family;
    const GUID *callout = info != NULL && layer_facts_find(info->id, &layer, &family)
                              ? hold_callout(layer, family)
                              : NULL;
    return filter->action.type == FWP_ACTION_CALLOUT_TERMINATING && callout != NULL &&
           guid_equal(callout, &filter->action.calloutKey) &&
           (filter->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT) == 0;
}

const char *describe_action(const struct describer *describer, const FWPM_FILTER0 *filter)
{
    if (describe_is_hold(filter))
        return "hold";
    switch (filter->action.type) {
    case FWP_ACTION_PERMIT:
        return "permit";
    case FWP_ACTION_BLOCK:
        return "block";
    case FWP_ACTION_CALLOUT_TERMINATING:
    case FWP_ACTION_CALLOUT_INSPECTION:
    case FWP_ACTION_CALLOUT_UNKNOWN:
        return arena_printf(describer->arena, "callout %s",
                            callout_name(describer, &filter->action.calloutKey));
    default:
        return arena_printf(describer->arena, "action 0x%x", filter->action.type);
    }
}

static const char *prefix(struct arena *arena, const FWPM_FILTER0 *filter)
{
    const char *text = (filter->flags & FWPM_FILTER_FLAG_BOOTTIME) != 0 ? "boot" : "";
    bool hard = (filter->flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT) != 0;
    return hard ? join(arena, text, "hard") : text;
}

static const char *hold_default(const FWPM_FILTER0 *filter)
{
    return OPENWFP_HOLD_CONTEXT_ACTION(filter->rawContext) == FWP_ACTION_PERMIT ? "permit"
                                                                                : "block";
}

static const char *hold_suffix(struct arena *arena, const FWPM_FILTER0 *filter)
{
    return arena_printf(arena, "timeout %s default %s",
                        hold_time(arena, OPENWFP_HOLD_CONTEXT_TIMEOUT(filter->rawContext)),
                        hold_default(filter));
}

void describe_hold_json(struct json *json, const FWPM_FILTER0 *filter)
{
    json_object(json, "hold");
    json_number(json, "timeout_ms", OPENWFP_HOLD_CONTEXT_TIMEOUT(filter->rawContext));
    json_text(json, "default", hold_default(filter));
    json_object_end(json);
}

static const char *callout_suffix(struct arena *arena, const FWPM_FILTER0 *filter)
{
    const char *text = "";
    if (describe_is_hold(filter))
        return hold_suffix(arena, filter);
    if (filter->action.type == FWP_ACTION_CALLOUT_TERMINATING)
        text = "as terminating";
    else if (filter->action.type == FWP_ACTION_CALLOUT_INSPECTION)
        text = "as inspection";
    if ((filter->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED) != 0)
        text = join(arena, text, "unregistered permit");
    return text;
}

/* ---- a field's word ---- */

static const char *address_word(const struct scene *scene, enum field field)
{
    const struct layer_facts *facts = layer_facts(scene->layer);
    if (facts->from == field)
        return "from";
    if (facts->to == field)
        return "to";
    return field == FIELD_LOCAL_ADDRESS ? "on" : "remote-address";
}

static const char *port_word(const struct scene *scene, enum field field)
{
    if (scene->icmp)
        return field == FIELD_LOCAL_PORT ? "icmp-type" : "icmp-code";
    if (layer_facts(scene->layer)->port == field)
        return "port";
    return field == FIELD_LOCAL_PORT ? "local-port" : "remote-port";
}

/* The word for a condition's field; the API's name where the language has none. */
static const char *field_word(const struct scene *scene, const GUID *field)
{
    char text[GUID_TEXT_SIZE];
    if (scene->known && guid_equal(field, &FWPM_CONDITION_IP_LOCAL_ADDRESS))
        return address_word(scene, FIELD_LOCAL_ADDRESS);
    if (scene->known && guid_equal(field, &FWPM_CONDITION_IP_REMOTE_ADDRESS))
        return address_word(scene, FIELD_REMOTE_ADDRESS);
    if (scene->known && guid_equal(field, &FWPM_CONDITION_IP_LOCAL_PORT))
        return port_word(scene, FIELD_LOCAL_PORT);
    if (scene->known && guid_equal(field, &FWPM_CONDITION_IP_REMOTE_PORT))
        return port_word(scene, FIELD_REMOTE_PORT);
    if (guid_equal(field, &FWPM_CONDITION_IP_PROTOCOL))
        return "proto";
    if (guid_equal(field, &FWPM_CONDITION_ALE_APP_ID))
        return "app";
    if (guid_equal(field, &FWPM_CONDITION_IP_LOCAL_INTERFACE))
        return "interface";
    const struct condition_info *info = condition_by_key(field);
    return info != NULL ? info->name
                        : arena_strdup(scene->describer->arena, guid_format(field, text));
}

/* ---- conditions ---- */

static bool is_protocol(const FWPM_FILTER_CONDITION0 *condition)
{
    return guid_equal(&condition->fieldKey, &FWPM_CONDITION_IP_PROTOCOL) &&
           condition->conditionValue.type == FWP_UINT8;
}

static const char *quoted(struct arena *arena, const char *text)
{
    return strpbrk(text, " \t{},=\"#") == NULL ? text : arena_printf(arena, "\"%s\"", text);
}

static const char *protocol_text(const struct scene *scene, const FWPM_FILTER_CONDITION0 *condition)
{
    uint8_t protocol = condition->conditionValue.uint8;
    const char *name = word_text(words_protocols, protocol);
    bool foreign = (protocol == 1 && scene->family != FAMILY_V4) ||
                   (protocol == 58 && scene->family != FAMILY_V6);
    return name != NULL && !foreign ? name : arena_printf(scene->describer->arena, "%u", protocol);
}

static const char *operand(const struct scene *scene, const FWPM_FILTER_CONDITION0 *condition)
{
    if (is_protocol(condition))
        return protocol_text(scene, condition);
    return quoted(scene->describer->arena, describe_value(scene->describer, &condition->fieldKey,
                                                          &condition->conditionValue));
}

/* How many conditions from here on are about the same field in the same way. */
static uint32_t run_length(const FWPM_FILTER0 *filter, uint32_t first)
{
    const FWPM_FILTER_CONDITION0 *conditions = filter->filterCondition;
    uint32_t length = 1;
    while (first + length < filter->numFilterConditions &&
           guid_equal(&conditions[first].fieldKey, &conditions[first + length].fieldKey))
        length++;
    return length;
}

static bool says_equal(FWP_MATCH_TYPE match)
{
    return match == FWP_MATCH_EQUAL || match == FWP_MATCH_RANGE;
}

/* Operands of a run: "x", "not x", "{ x, y }", other comparisons by name. */
static const char *run_text(const struct scene *scene, uint32_t first, uint32_t length)
{
    struct arena *arena = scene->describer->arena;
    const char *text = "";
    for (uint32_t i = first; i < first + length; i++) {
        const FWPM_FILTER_CONDITION0 *condition = &scene->filter->filterCondition[i];
        const char *value = operand(scene, condition);
        if (condition->matchType == FWP_MATCH_NOT_EQUAL)
            value = arena_printf(arena, "not %s", value);
        else if (!says_equal(condition->matchType))
            value = arena_printf(arena, "%s %s", describe_match(condition->matchType), value);
        text = i == first ? value : arena_printf(arena, "%s, %s", text, value);
    }
    return length == 1 ? text : arena_printf(arena, "{ %s }", text);
}

static const char *flags_text(const struct scene *scene, const FWPM_FILTER_CONDITION0 *condition)
{
    struct arena *arena = scene->describer->arena;
    uint32_t flags = condition->conditionValue.uint32;
    const char *list = "";
    unsigned count = 0;
    for (const struct word *word = words_flags; word->text != NULL; word++) {
        if ((flags & (uint32_t)word->value) == 0)
            continue;
        flags &= ~(uint32_t)word->value;
        list = count++ == 0 ? word->text : arena_printf(arena, "%s, %s", list, word->text);
    }
    if (flags != 0 || condition->matchType < FWP_MATCH_FLAGS_ALL_SET ||
        condition->matchType > FWP_MATCH_FLAGS_NONE_SET)
        return arena_printf(arena, "FLAGS %s 0x%x", describe_match(condition->matchType),
                            condition->conditionValue.uint32);
    return arena_printf(arena, count == 1 ? "flags %s%s" : "flags %s{ %s }",
                        condition->matchType == FWP_MATCH_FLAGS_NONE_SET  ? "not "
                        : condition->matchType == FWP_MATCH_FLAGS_ANY_SET ? "any "
                                                                          : "",
                        list);
}

static const char *descriptor_text(const struct scene *scene,
                                   const FWPM_FILTER_CONDITION0 *condition)
{
    struct arena *arena = scene->describer->arena;
    const FWP_BYTE_BLOB *blob = condition->conditionValue.sd;
    struct sd sd;
    const char *text = NULL;
    if (guid_equal(&condition->fieldKey, &FWPM_CONDITION_ALE_USER_ID) &&
        sd_open(&sd, blob->data, blob->size, NULL) && (sd.control & SD_DACL_PRESENT) != 0 &&
        sd.dacl != 0)
        text = describe_accounts(scene->describer, &sd);
    return text != NULL ? text
                        : arena_printf(arena, "%s \"%s\"", field_word(scene, &condition->fieldKey),
                                       describe_value(scene->describer, &condition->fieldKey,
                                                      &condition->conditionValue));
}

/* Special forms; NULL: the plain "word operands". */
static const char *special_text(const struct scene *scene, const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    if (guid_equal(&condition->fieldKey, &FWPM_CONDITION_FLAGS) && value->type == FWP_UINT32)
        return flags_text(scene, condition);
    if (guid_equal(&condition->fieldKey, &FWPM_CONDITION_DIRECTION) && value->type == FWP_UINT32 &&
        value->uint32 <= 1 && condition->matchType == FWP_MATCH_EQUAL)
        return value->uint32 == FWP_DIRECTION_INBOUND ? "inbound" : "outbound";
    if (value->type == FWP_SECURITY_DESCRIPTOR_TYPE)
        return descriptor_text(scene, condition);
    if (is_protocol(condition) && condition->matchType == FWP_MATCH_EQUAL) {
        const char *name = protocol_text(scene, condition);
        int clause = word_find(words_clauses, name);
        return clause == CLAUSE_PROTOCOL ? name : NULL;
    }
    return NULL;
}

static const char *conditions_text(const struct scene *scene, const char *text)
{
    struct arena *arena = scene->describer->arena;
    const FWPM_FILTER0 *filter = scene->filter;
    for (uint32_t i = 0, length; i < filter->numFilterConditions; i += length) {
        const FWPM_FILTER_CONDITION0 *condition = &filter->filterCondition[i];
        length = run_length(filter, i);
        const char *special = length == 1 ? special_text(scene, condition) : NULL;
        if (special == NULL)
            special = arena_printf(arena, "%s %s", field_word(scene, &condition->fieldKey),
                                   run_text(scene, i, length));
        text = join(arena, text, special);
    }
    return text;
}

static bool has_field(const FWPM_FILTER0 *filter, const GUID *field)
{
    for (uint32_t i = 0; i < filter->numFilterConditions; i++) {
        if (guid_equal(&filter->filterCondition[i].fieldKey, field))
            return true;
    }
    return false;
}

static bool only_icmp(const FWPM_FILTER0 *filter)
{
    for (uint32_t i = 0; i < filter->numFilterConditions; i++) {
        const FWPM_FILTER_CONDITION0 *condition = &filter->filterCondition[i];
        uint8_t protocol = condition->conditionValue.uint8;
        bool equal = condition->matchType == FWP_MATCH_EQUAL && is_protocol(condition);
        if (guid_equal(&condition->fieldKey, &FWPM_CONDITION_IP_PROTOCOL) &&
            (!equal || (protocol != 1 && protocol != 58)))
            return false;
    }
    return has_field(filter, &FWPM_CONDITION_IP_PROTOCOL);
}

static struct scene scene_of(const struct describer *describer, const FWPM_FILTER0 *filter)
{
    struct scene scene = {.describer = describer, .filter = filter};
    const struct layer_info *info = layer_by_key(&filter->layerKey);
    scene.known = info != NULL && layer_facts_find(info->id, &scene.layer, &scene.family);
    scene.icmp = only_icmp(filter);
    return scene;
}

/* A rule with ports and no protocol would mean the protocols that have ports. */
static bool needs_any(const struct scene *scene)
{
    return scene->known && layer_facts(scene->layer)->protocol &&
           !has_field(scene->filter, &FWPM_CONDITION_IP_PROTOCOL) &&
           (has_field(scene->filter, &FWPM_CONDITION_IP_LOCAL_PORT) ||
            has_field(scene->filter, &FWPM_CONDITION_IP_REMOTE_PORT));
}

const char *describe_filter(const struct describer *describer, const FWPM_FILTER0 *filter)
{
    struct arena *arena = describer->arena;
    struct scene scene = scene_of(describer, filter);
    const char *text = prefix(arena, filter);
    text = join(arena, text, describe_action(describer, filter));
    if (scene.known)
        text = arena_printf(arena, "%s %s %s", text, word_text(words_layers, scene.layer),
                            scene.family == FAMILY_V4 ? "ipv4" : "ipv6");
    else
        text = join(arena, text, describe_layer(arena, &filter->layerKey));
    if (needs_any(&scene))
        text = join(arena, text, "any");
    text = conditions_text(&scene, text);
    const char *suffix = callout_suffix(arena, filter);
    return *suffix == '\0' ? text : join(arena, text, suffix);
}

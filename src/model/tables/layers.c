#include "table_data.h"

#include <string.h>
#include <strings.h>

#include <winerror.h>

static const GUID no_key;

static bool same_key(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static const char *after_prefix(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncasecmp(name, prefix, length) == 0 ? name + length : name;
}

size_t layer_count(void)
{
    return table_layer_count;
}

const struct layer_info *layer_at(size_t place)
{
    return place < table_layer_count ? &table_layers[place] : NULL;
}

const struct layer_info *layer_by_id(uint16_t id)
{
    return layer_at(id);
}

const struct layer_info *layer_by_key(const GUID *key)
{
    if (same_key(key, &no_key))
        return NULL;
    for (size_t i = 0; i < table_layer_count; i++) {
        if (same_key(&table_layers[i].key, key))
            return &table_layers[i];
    }
    return NULL;
}

const struct layer_info *layer_by_name(const char *name)
{
    name = after_prefix(after_prefix(name, "FWPM_LAYER_"), "FWPS_LAYER_");
    for (size_t i = 0; i < table_layer_count; i++) {
        if (strcasecmp(table_layers[i].name, name) == 0)
            return &table_layers[i];
    }
    return NULL;
}

const struct layer_info *layer_by_short_name(const char *name, uint8_t family)
{
    for (size_t i = 0; i < table_layer_count; i++) {
        const struct layer_info *layer = &table_layers[i];

        if (layer->short_name && layer->family == family && strcmp(layer->short_name, name) == 0)
            return layer;
    }
    return NULL;
}

const struct layer_field *layer_find_field(const struct layer_info *layer, const GUID *condition)
{
    for (size_t i = 0; i < layer->field_count; i++) {
        const struct layer_field *field = &layer->fields[i];

        if (field->cls != CONDITION_RESERVED && same_key(field->condition, condition))
            return field;
    }
    return NULL;
}

uint32_t layer_refusal(const struct layer_info *layer)
{
    switch ((enum layer_support)layer->support) {
    case LAYER_ENFORCED:
        return ERROR_SUCCESS;
    case LAYER_NAMED:
        return ERROR_NOT_SUPPORTED;
    case LAYER_ABSENT:
    case LAYER_RESERVED:
        break;
    }
    return FWP_E_LAYER_NOT_FOUND;
}

size_t condition_count(void)
{
    return table_condition_count;
}

const struct condition_info *condition_at(size_t place)
{
    return place < table_condition_count ? &table_conditions[place] : NULL;
}

const struct condition_info *condition_by_key(const GUID *key)
{
    for (size_t i = 0; i < table_condition_count; i++) {
        if (same_key(&table_conditions[i].key, key))
            return &table_conditions[i];
    }
    return NULL;
}

const struct condition_info *condition_by_name(const char *name)
{
    name = after_prefix(name, "FWPM_CONDITION_");
    for (size_t i = 0; i < table_condition_alias_count; i++) {
        if (strcasecmp(table_condition_aliases[i].alias, name) == 0)
            name = table_condition_aliases[i].name;
    }
    for (size_t i = 0; i < table_condition_count; i++) {
        if (strcasecmp(table_conditions[i].name, name) == 0)
            return &table_conditions[i];
    }
    return NULL;
}

static const struct error_info *find_error(uint32_t code)
{
    for (size_t i = 0; i < table_error_count; i++) {
        if (table_errors[i].code == code)
            return &table_errors[i];
    }
    return NULL;
}

const char *fwp_error_name(uint32_t code)
{
    const struct error_info *error = find_error(code);

    return error ? error->name : NULL;
}

const char *fwp_error_text(uint32_t code)
{
    const struct error_info *error = find_error(code);

    return error ? error->text : NULL;
}

bool fwp_error_by_name(const char *name, uint32_t *code)
{
    for (size_t i = 0; i < table_error_count; i++) {
        if (strcmp(table_errors[i].name, name) == 0) {
            *code = table_errors[i].code;
            return true;
        }
    }
    return false;
}

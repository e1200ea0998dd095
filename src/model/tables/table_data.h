/* The generated table_data.c, as the lookups see it. */
#ifndef OPENWFP_MODEL_TABLE_DATA_H
#define OPENWFP_MODEL_TABLE_DATA_H

#include "src/model/layers.h"

struct table_alias {
    const char *alias, *name;
};

struct error_info {
    uint32_t code;
    const char *name, *text;
};

extern const struct layer_info table_layers[];
extern const size_t table_layer_count;
extern const struct condition_info table_conditions[];
extern const size_t table_condition_count;
extern const struct table_alias table_condition_aliases[];
extern const size_t table_condition_alias_count;
extern const struct error_info table_errors[];
extern const size_t table_error_count;

#endif

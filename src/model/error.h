/* How src/model says what went wrong, and other things all its files use. */
#ifndef OPENWFP_MODEL_ERROR_H
#define OPENWFP_MODEL_ERROR_H

#include "guid.h"
#include "model.h"

/* Fills in the error (may be NULL) and returns code. */
uint32_t fail(struct model_error *error, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t fail_memory(struct model_error *error);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Text that lives as long as the enclosing block, for messages. */
#define GUID_TEXT(guid) guid_format(guid, (char[GUID_TEXT_SIZE]){0})

#endif

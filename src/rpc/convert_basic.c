#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/guid.h"
#include "model/utf16.h"
#include "rpc/convert_private.h"

bool refuse(struct converter *c, uint32_t code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(c->error.text, sizeof(c->error.text), format, arguments);
    va_end(arguments);
    c->error.code = code;
    return false;
}

void *take(struct converter *c, size_t size)
{
    return take_array(c, 1, size);
}

void *take_array(struct converter *c, size_t count, size_t size)
{
    void *piece = arena_array(c->arena, count, size);

    if (!piece)
        refuse(c, ERROR_NOT_ENOUGH_MEMORY, "the message is too big");
    return piece;
}

void *take_pointers(struct converter *c, size_t count)
{
    return take_array(c, count, sizeof(void *));
}

bool check_enum(struct converter *c, const char *what, uint32_t number, uint32_t last)
{
    if (number <= last)
        return true;
    return refuse(c, FWP_E_INVALID_ENUMERATOR, "%s: %u is none of 0 to %u", what, number, last);
}

bool check_fits(struct converter *c, const char *what, uint64_t number, uint64_t most)
{
    if (number <= most)
        return true;
    return refuse(c, FWP_E_INVALID_PARAMETER, "%s: %llu is above %llu", what,
                  (unsigned long long)number, (unsigned long long)most);
}

/* ---- whole messages */

static void *unpack(struct converter *c, const ProtobufCMessageDescriptor *type,
                    const uint8_t *bytes, size_t size)
{
    void *message = protobuf_c_message_unpack(type, &c->arena->allocator, size, bytes);

    if (!message)
        refuse(c, RPC_X_BAD_STUB_DATA, "a message of %zu bytes is malformed or too big", size);
    return message;
}

Rpc__Request *unpack_request(struct converter *c, const uint8_t *bytes, size_t size)
{
    return unpack(c, &rpc__request__descriptor, bytes, size);
}

Rpc__Reply *unpack_reply(struct converter *c, const uint8_t *bytes, size_t size)
{
    return unpack(c, &rpc__reply__descriptor, bytes, size);
}

Rpc__Delivery *unpack_delivery(struct converter *c, const uint8_t *bytes, size_t size)
{
    return unpack(c, &rpc__delivery__descriptor, bytes, size);
}

/* ---- GUIDs */

ProtobufCBinaryData encode_guid(const GUID *guid)
{
    if (!guid || guid_is_zero(guid))
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){.len = sizeof(*guid), .data = (uint8_t *)guid};
}

ProtobufCBinaryData encode_guid_pointer(const GUID *guid)
{
    if (!guid)
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){.len = sizeof(*guid), .data = (uint8_t *)guid};
}

static bool guid_length(struct converter *c, const char *what, ProtobufCBinaryData bytes)
{
    if (!bytes.len || bytes.len == sizeof(GUID))
        return true;
    return refuse(c, RPC_X_BAD_STUB_DATA, "%s: a GUID of %zu bytes", what, bytes.len);
}

bool decode_guid(struct converter *c, const char *what, ProtobufCBinaryData bytes, GUID *guid)
{
    memset(guid, 0, sizeof(*guid));
    if (!guid_length(c, what, bytes))
        return false;
    if (bytes.len)
        memcpy(guid, bytes.data, sizeof(*guid));
    return true;
}

bool decode_guid_pointer(struct converter *c, const char *what, ProtobufCBinaryData bytes,
                         GUID **guid)
{
    *guid = bytes.len ? (GUID *)bytes.data : NULL;
    return guid_length(c, what, bytes);
}

bool decode_bytes16(struct converter *c, const char *what, ProtobufCBinaryData bytes, void *into)
{
    if (bytes.len && bytes.len != 16)
        return refuse(c, RPC_X_BAD_STUB_DATA, "%s: %zu bytes instead of 16", what, bytes.len);
    if (bytes.len)
        memcpy(into, bytes.data, 16);
    return true;
}

/* ---- blobs and strings */

static bool blob_fits(struct converter *c, const char *what, size_t size)
{
    if (size <= RPC_MAX_BLOB)
        return true;
    return refuse(c, FWP_E_INVALID_PARAMETER, "%s: %zu bytes, at most %u are taken", what, size,
                  RPC_MAX_BLOB);
}

bool encode_blob(struct converter *c, const char *what, const FWP_BYTE_BLOB *blob,
                 ProtobufCBinaryData *bytes)
{
    if (!blob_fits(c, what, blob->size))
        return false;
    if (blob->size && !blob->data)
        return refuse(c, FWP_E_NULL_POINTER, "%s: %u bytes at a null pointer", what, blob->size);
    *bytes = (ProtobufCBinaryData){.len = blob->size, .data = blob->data};
    return true;
}

bool decode_blob(struct converter *c, const char *what, ProtobufCBinaryData bytes,
                 FWP_BYTE_BLOB *blob)
{
    if (!blob_fits(c, what, bytes.len))
        return false;
    blob->size = (UINT32)bytes.len;
    blob->data = bytes.len ? bytes.data : NULL;
    return true;
}

bool encode_text(struct converter *c, const char *what, const WCHAR *text,
                 ProtobufCBinaryData *bytes)
{
    size_t units;

    *bytes = (ProtobufCBinaryData){0};
    if (!text)
        return true;
    units = utf16_length_within(text, RPC_MAX_STRING);
    if (units == RPC_MAX_STRING)
        return refuse(c, FWP_E_INVALID_PARAMETER, "%s: longer than %u characters", what,
                      RPC_MAX_STRING - 1);
    *bytes = (ProtobufCBinaryData){.len = (units + 1) * sizeof(*text), .data = (uint8_t *)text};
    return true;
}

bool decode_text(struct converter *c, const char *what, ProtobufCBinaryData bytes, WCHAR **text)
{
    size_t units = bytes.len / sizeof(**text);

    *text = NULL;
    if (!bytes.len)
        return true;
    if (units > RPC_MAX_STRING)
        return refuse(c, FWP_E_INVALID_PARAMETER, "%s: longer than %u characters", what,
                      RPC_MAX_STRING - 1);
    *text = (WCHAR *)bytes.data;
    if (bytes.len % sizeof(**text) || (*text)[units - 1])
        return refuse(c, RPC_X_BAD_STUB_DATA, "%s: a string that has no terminator", what);
    return true;
}

bool encode_display(struct converter *c, const FWPM_DISPLAY_DATA0 *display, Rpc__Display **message)
{
    *message = NULL;
    if (!display->name && !display->description)
        return true;
    *message = NEW_MESSAGE(c, Rpc__Display, rpc__display__init);
    return *message && encode_text(c, "displayData.name", display->name, &(*message)->name) &&
           encode_text(c, "displayData.description", display->description,
                       &(*message)->description);
}

bool decode_display(struct converter *c, const Rpc__Display *message, FWPM_DISPLAY_DATA0 *display)
{
    memset(display, 0, sizeof(*display));
    return !message ||
           (decode_text(c, "displayData.name", message->name, &display->name) &&
            decode_text(c, "displayData.description", message->description, &display->description));
}

/* ---- times */

uint64_t encode_filetime(const FILETIME *time)
{
    return (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

void decode_filetime(uint64_t time, FILETIME *into)
{
    into->dwHighDateTime = (DWORD)(time >> 32);
    into->dwLowDateTime = (DWORD)time;
}

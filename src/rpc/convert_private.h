/* What the converters share. */
#ifndef OPENWFP_RPC_CONVERT_PRIVATE_H
#define OPENWFP_RPC_CONVERT_PRIVATE_H

#include "rpc/convert.h"

/* Fills in converter.error and returns false. */
bool refuse(struct converter *c, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Zeroed memory in the arena; NULL with ERROR_NOT_ENOUGH_MEMORY. */
void *take(struct converter *c, size_t size);
void *take_array(struct converter *c, size_t count, size_t size);
void *take_pointers(struct converter *c, size_t count);

/* A message of protobuf-c's type `name` in the arena, initialised. */
#define NEW_MESSAGE(c, type, init)                                                                 \
    __extension__({                                                                                \
        type *message_ = take(c, sizeof(type));                                                    \
        if (message_)                                                                              \
            init(message_);                                                                        \
        message_;                                                                                  \
    })

/* A number of an enumerated type that has the values 0 … last. */
bool check_enum(struct converter *c, const char *what, uint32_t number, uint32_t last);
/* A number that must fit in fewer bits. */
bool check_fits(struct converter *c, const char *what, uint64_t number, uint64_t most);

/* Strings with their terminator; NULL: no bytes. */
bool encode_text(struct converter *c, const char *what, const WCHAR *text,
                 ProtobufCBinaryData *bytes);
bool decode_text(struct converter *c, const char *what, ProtobufCBinaryData bytes, WCHAR **text);
bool encode_sid(struct converter *c, const SID *sid, ProtobufCBinaryData *bytes);
bool decode_sid(struct converter *c, ProtobufCBinaryData bytes, SID **sid);
bool encode_token(struct converter *c, const FWP_TOKEN_INFORMATION *token,
                  Rpc__TokenInformation **message);
bool decode_token(struct converter *c, const Rpc__TokenInformation *message,
                  FWP_TOKEN_INFORMATION **token);
bool decode_bytes16(struct converter *c, const char *what, ProtobufCBinaryData bytes, void *into);

bool encode_display(struct converter *c, const FWPM_DISPLAY_DATA0 *display, Rpc__Display **message);
bool decode_display(struct converter *c, const Rpc__Display *message, FWPM_DISPLAY_DATA0 *display);

void decode_filetime(uint64_t time, FILETIME *into);
uint64_t encode_filetime(const FILETIME *time);

#endif

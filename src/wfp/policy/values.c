#include "src/wfp/policy/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/hints.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

bool number_parse(const char *text, uint64_t max, uint64_t *number)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
    if (digits[0] == '\0' || digits[strspn(digits, allowed)] != '\0')
        return false;
    errno = 0;
    *number = strtoull(digits, NULL, hex ? 16 : 10);
    return errno == 0 && *number <= max;
}

static u128 number_of_bytes(const uint8_t *bytes, size_t count)
{
    u128 number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* The address's family, 0 when the text is none. */
static int address_parse(const char *text, u128 *address)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *address = number_of_bytes(bytes, 4);
        return 4;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *address = number_of_bytes(bytes, 16);
        return 6;
    }
    return 0;
}

static const char *address_text(struct arena *arena, int family, u128 address)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    size_t count = family == 4 ? 4 : 16;
    for (size_t i = count; i-- > 0; address >>= 8)
        bytes[i] = (uint8_t)address;
    inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
    return arena_strdup(arena, text);
}

static bool bad_address(const struct reader *reader, const struct value *value)
{
    report_error(reader->report, value->place, hint_address(reader, value),
                 "\"%s\" is not an address", value->text);
    return false;
}

static bool read_prefix(const struct reader *reader, const struct value *value, const char *length,
                        struct address_range *range)
{
    unsigned width = range->family == 4 ? 32 : 128;
    uint64_t bits;
    if (!number_parse(length, width, &bits)) {
        report_error(
            reader->report, value->place,
            hint_prefix(reader, address_text(reader->arena, range->family, range->span.lo), length),
            "the prefix length of \"%s\" is not a number from 0 to %u", value->text, width);
        return false;
    }
    u128 host = bits == width ? 0 : ~(u128)0 >> (128 - width + bits);
    if ((range->span.lo & host) != 0) {
        const char *net = address_text(reader->arena, range->family, range->span.lo & ~host);
        report_error(reader->report, value->place,
                     arena_printf(reader->arena, "did you mean %s/%u?", net, (unsigned)bits),
                     "\"%s\" has bits behind its prefix", value->text);
        return false;
    }
    range->span.hi = range->span.lo | host;
    return true;
}

static bool read_range_end(const struct reader *reader, const struct value *value, const char *end,
                           struct address_range *range)
{
    if (address_parse(end, &range->span.hi) != range->family)
        return bad_address(reader, value);
    if (range->span.hi < range->span.lo) {
        report_error(reader->report, value->place, "write the lower address first",
                     "the range \"%s\" is empty", value->text);
        return false;
    }
    return true;
}

bool read_address(const struct reader *reader, const struct value *value,
                  struct address_range *range)
{
    size_t length = strcspn(value->text, "/-");
    const char *first = arena_strndup(reader->arena, value->text, length);
    char mark = value->text[length];
    range->family = address_parse(first, &range->span.lo);
    if (range->family == 0)
        return bad_address(reader, value);
    range->span.hi = range->span.lo;
    if (mark == '/')
        return read_prefix(reader, value, value->text + length + 1, range);
    return mark == '\0' || read_range_end(reader, value, value->text + length + 1, range);
}

/* N or N-M. Returns 1 when read, 0 when it is something else, -1 when reported. */
static int read_numbers(const struct reader *reader, const struct value *value, uint64_t max,
                        const char *what, struct span *span)
{
    const char *dash = strchr(value->text, '-');
    uint64_t lo, hi;
    size_t length = dash == NULL ? strlen(value->text) : (size_t)(dash - value->text);
    const char *first = arena_strndup(reader->arena, value->text, length);
    if (!number_parse(first, UINT64_MAX, &lo) ||
        !number_parse(dash == NULL ? first : dash + 1, UINT64_MAX, &hi))
        return 0;
    if (lo > max || hi > max) {
        report_error(reader->report, value->place, NULL, "%s is a number from 0 to %llu, not %s",
                     what, (unsigned long long)max, value->text);
        return -1;
    }
    if (hi < lo) {
        report_error(reader->report, value->place, "write the lower number first",
                     "the range \"%s\" is empty", value->text);
        return -1;
    }
    *span = (struct span){lo, hi};
    return 1;
}

bool read_port(const struct reader *reader, const struct value *value, struct span *span)
{
    const struct environment *environment = reader->environment;
    uint16_t port;
    int read = read_numbers(reader, value, UINT16_MAX, "a port", span);
    if (read != 0)
        return read > 0;
    if (!environment->service(environment->ctx, value->text, &port)) {
        report_error(reader->report, value->place, hint_port(reader, value), "\"%s\" is not a port",
                     value->text);
        return false;
    }
    *span = (struct span){port, port};
    return true;
}

bool read_byte(const struct reader *reader, const struct value *value, struct span *span)
{
    int read = read_numbers(reader, value, UINT8_MAX, "an ICMP type or code", span);
    if (read == 0)
        report_error(reader->report, value->place, "8 is an echo request, 128 is ICMPv6's",
                     "\"%s\" is not a number", value->text);
    return read > 0;
}

bool read_protocol(const struct reader *reader, const struct value *value, struct span *span)
{
    int protocol = word_find(words_protocols, value->text);
    if (protocol >= 0) {
        *span = (struct span){(u128)protocol, (u128)protocol};
        return true;
    }
    int read = read_numbers(reader, value, UINT8_MAX, "a protocol", span);
    if (read == 0) {
        const char *hint = word_hint(reader->arena, words_protocols, value->text);
        report_error(reader->report, value->place,
                     hint != NULL ? hint
                                  : arena_printf(reader->arena, "a protocol is a number, %s",
                                                 word_list(reader->arena, words_protocols)),
                     "\"%s\" is not a protocol", value->text);
    }
    return read > 0;
}

bool read_interface(const struct reader *reader, const struct value *value, struct span *span)
{
    const struct environment *environment = reader->environment;
    uint32_t index;
    if (!environment->interface(environment->ctx, value->text, &index)) {
        report_error(reader->report, value->place,
                     "an interface must exist when the policy is read",
                     "there is no interface \"%s\"", value->text);
        return false;
    }
    *span = (struct span){index, index};
    return true;
}

bool read_user(const struct reader *reader, const struct value *value, uint32_t *uid)
{
    const struct environment *environment = reader->environment;
    uint64_t number;
    if (number_parse(value->text, UINT32_MAX - 1, &number)) {
        *uid = (uint32_t)number;
        return true;
    }
    if (environment->user(environment->ctx, value->text, uid))
        return true;
    report_error(reader->report, value->place, "write a name from /etc/passwd or a number",
                 "there is no user \"%s\"", value->text);
    return false;
}

bool read_group(const struct reader *reader, const struct value *value, uint32_t *gid)
{
    const struct environment *environment = reader->environment;
    uint64_t number;
    if (number_parse(value->text, UINT32_MAX - 1, &number)) {
        *gid = (uint32_t)number;
        return true;
    }
    if (environment->group(environment->ctx, value->text, gid))
        return true;
    report_error(reader->report, value->place, "write a name from /etc/group or a number",
                 "there is no group \"%s\"", value->text);
    return false;
}

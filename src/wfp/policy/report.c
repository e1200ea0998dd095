#include "src/wfp/policy/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/utf8.h"

#define SHOWN_LINE 240u /* bytes; a longer line is not shown */

void report_init(struct report *report, struct arena *arena)
{
    *report = (struct report){.arena = arena};
}

bool report_full(const struct report *report)
{
    return report->errors >= REPORT_MAX;
}

/* In the order of the text, though the rules' meaning is checked after their grammar. */
static void insert(struct report *report, struct report_message *message)
{
    struct report_message **at = &report->first;
    while (*at != NULL && ((*at)->place.source != message->place.source ||
                           (*at)->place.offset <= message->place.offset))
        at = &(*at)->next;
    message->next = *at;
    *at = message;
}

static void append(struct report *report, enum report_level level, struct place place,
                   const char *hint, const char *format, va_list args)
{
    struct report_message *message = arena_alloc(report->arena, sizeof(*message));
    char text[512];
    vsnprintf(text, sizeof(text), format, args);
    message->level = level;
    message->place = place;
    message->text = arena_strdup(report->arena, text);
    message->hint = hint;
    insert(report, message);
}

void report_error(struct report *report, struct place place, const char *hint, const char *format,
                  ...)
{
    va_list args;
    if (report_full(report))
        return;
    report->errors++;
    va_start(args, format);
    append(report, REPORT_ERROR, place, hint, format, args);
    va_end(args);
}

void report_warning(struct report *report, struct place place, const char *hint, const char *format,
                    ...)
{
    va_list args;
    if (report->warnings++ >= REPORT_MAX)
        return;
    va_start(args, format);
    append(report, REPORT_WARNING, place, hint, format, args);
    va_end(args);
}

static void print_line(FILE *out, const char *line, size_t length)
{
    fputs("  ", out);
    print_clean_bytes(out, line, length);
    fputc('\n', out);
}

static void print_caret(FILE *out, const char *line, size_t length, const struct place *place)
{
    size_t start = place->offset - (size_t)(line - place->source->text);
    size_t end = start + place->length;
    fputs("  ", out);
    for (size_t i = 0; i < start && i < length; i++) {
        if ((line[i] & 0xc0) != 0x80)
            fputc(line[i] == '\t' ? '\t' : ' ', out);
    }
    fputc('^', out);
    for (size_t i = start + 1; i < end && i < length; i++) {
        if ((line[i] & 0xc0) != 0x80)
            fputc('~', out);
    }
    fputc('\n', out);
}

static void print_message(const struct report_message *message, FILE *out, bool colour)
{
    const struct place *place = &message->place;
    const char *level = message->level == REPORT_ERROR ? "error" : "warning";
    const char *on = !colour ? "" : message->level == REPORT_ERROR ? "\033[1;31m" : "\033[1;33m";
    const char *off = colour ? "\033[0m" : "";
    size_t length;
    const char *line = place_line(place, &length);
    print_clean(out, place->source->name);
    fprintf(out, ":%u:%u: %s%s:%s ", place->line, place_column(place), on, level, off);
    print_clean(out, message->text);
    fputc('\n', out);
    if (place->source->length > 0 && length <= SHOWN_LINE) { /* it could be read */
        print_line(out, line, length);
        print_caret(out, line, length, place);
    }
    if (message->hint != NULL) {
        fputs("  hint: ", out);
        print_clean(out, message->hint);
        fputc('\n', out);
    }
}

void report_print(const struct report *report, FILE *out, bool colour)
{
    for (const struct report_message *m = report->first; m != NULL; m = m->next)
        print_message(m, out, colour);
    if (report_full(report))
        fprintf(out, "stopped after %d errors\n", REPORT_MAX);
    if (report->warnings > REPORT_MAX)
        fprintf(out, "%u more warnings\n", report->warnings - REPORT_MAX);
}

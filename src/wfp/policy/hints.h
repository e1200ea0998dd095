/*
 * What somebody probably wants who wrote something that can't stand where it does: habits of other
 * firewalls' languages, forgotten words, forgotten braces. Of the token that comes next; hints say
 * what to write.
 */
#ifndef OPENWFP_POLICY_HINTS_H
#define OPENWFP_POLICY_HINTS_H

struct parser;
struct reader;
struct value;

/* Where a statement should begin, a layer or a condition should stand; never NULL. */
const char *hint_statement(struct parser *parser);
const char *hint_layer(struct parser *parser);
const char *hint_condition(struct parser *parser);
/* Behind a statement that is complete. NULL: nothing to say. */
const char *hint_rest(struct parser *parser);

/* Of values that are no address, no prefix length (`length` is what stands for it), no port. */
const char *hint_address(const struct reader *reader, const struct value *value);
const char *hint_prefix(const struct reader *reader, const char *address, const char *length);
const char *hint_port(const struct reader *reader, const struct value *value);

#endif

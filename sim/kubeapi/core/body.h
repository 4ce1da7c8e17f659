/* body: request bodies as trees, by their Content-Type: JSON, YAML, protobuf.
 *
 * Errors are answered with the reference server's texts: what the data looks like stands behind them, cut short. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_BODY_H
#define PADDOCK_SIM_KUBEAPI_CORE_BODY_H

#include "engine/base/json.h"

struct api_request;
struct api_kind;

#define API_BODY_TYPES "application/json, application/yaml, application/vnd.kubernetes.protobuf"

enum api_body_form { API_BODY_JSON, API_BODY_YAML, API_BODY_PROTOBUF, API_BODY_OTHER };

/* By media type without parameters; no Content-Type is JSON. */
enum api_body_form api_body_form(const struct api_request *r);
/* A JSON body as a tree of an object; repeated keys: the last counts, *duplicates (may be NULL) has them. */
bool api_body_json(struct api_request *r, const struct api_kind *k, cJSON **tree,
                   struct json_duplicates *duplicates);
/* Any JSON value, read as Go reads it; errors in its words. */
struct err *api_body_parse_json(struct api_request *r, cJSON **tree,
                                struct json_duplicates *duplicates) must_check;
const char *api_body_json_name(const cJSON *v); /* "array": what Go calls it */
/* A YAML body likewise; *repeated: "yaml: unmarshal errors:\n  line 7: key ..." of keys that are there twice, or empty. */
bool api_body_yaml(struct api_request *r, const struct api_kind *k, cJSON **tree,
                   struct str *repeated);
/* A protobuf body as the tree that its JSON would give, apiVersion and kind set; 400 when it is broken or of no kind. */
bool api_body_protobuf(struct api_request *r, const struct api_kind *k, cJSON **tree);
/* The options in the body of a DELETE, in any form; a broken body is 500, as observed. */
bool api_body_options(struct api_request *r, cJSON **tree);
/* The data at the end of a message: "<empty>", its beginning when it looks like JSON, else in hexadecimal. */
struct str api_body_summary(struct api_request *r);

#endif

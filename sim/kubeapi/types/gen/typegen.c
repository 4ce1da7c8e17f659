/* typegen: makes the constant tables of builtin.h from data/NAME.types, at build time.
 *
 *   typegen OUT.c FILE...
 *
 * The form of the files is in data/README.md. What does not fit it ends the build with file and line. Lists and maps are
 * made once for each distinct expression, so that equal types are the same pointer. */
#include "engine/base/arena.h"
#include "engine/base/map.h"
#include "engine/base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPES_MAX  2000u
#define FIELDS_MAX 6000u

struct field {
    struct str name, expr, doc, default_json, condition, enums, go, merge, keys;
    long number;
    bool required, always, pointer, wrapped, retain, in_line, set, atomic, granular, merged, untold;
    size_t type; /* index, once resolved */
};

struct gtype {
    struct str name;                      /* full; empty: made for an expression */
    struct str short_name, package, kind; /* kind: "TYPE_OBJECT" */
    struct str group, version, doc, keys;
    bool is_kind, everywhere, atomic, set, wire, defaults;
    size_t fields_from, fields_n, inlines_n;
    struct str items_expr;
    size_t items; /* index + 1; 0: none */
};

static struct arena memory;
static struct gtype types[TYPES_MAX];
static size_t types_n, named_n;
static struct field fields[FIELDS_MAX];
static size_t fields_n;
static struct map aliases; /* "core_v1" → package, as struct str * */
static struct map names;   /* full name → index + 1 */
static struct map made;    /* expression with its flags → index + 1 */
static const char *file = "";
static unsigned line_number;

static _Noreturn void fail(const char *problem, struct str what)
{
    fprintf(stderr, "%s:%u: %s: \"" STR_FMT "\"\n", file, line_number, problem, STR_ARG(what));
    exit(1);
}

static struct str word(struct str *line)
{
    struct str head;
    *line = str_trim(*line);
    (void)str_cut(*line, ' ', &head, line);
    return head;
}

static bool option(struct str w, const char *key, struct str *value)
{
    struct str k, v;
    if (!str_cut(w, '=', &k, &v) || !str_eq_c(k, key))
        return false;
    *value = v;
    return true;
}

/* ---- reading ---- */

static void read_flag(struct field *f, struct str w)
{
    const struct {
        const char *name;
        bool *flag;
    } rows[] = {
        {"required", &f->required}, {"always", &f->always},     {"pointer", &f->pointer},
        {"wrapped", &f->wrapped},   {"retainkeys", &f->retain}, {"inline", &f->in_line},
        {"set", &f->set},           {"atomic", &f->atomic},     {"granular", &f->granular},
        {"merge", &f->merged},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq_c(w, rows[i].name)) {
            *rows[i].flag = true;
            return;
        }
    }
    fail("unknown word", w);
}

static void read_field(struct str line)
{
    if (types_n == 0 || fields_n == FIELDS_MAX)
        fail("a field without a type, or too many", line);
    struct field *f = &fields[fields_n++];
    ptrdiff_t doc = str_find(line, STR(" -- "));
    if (doc >= 0) {
        f->doc = str_sub(line, (size_t)doc + 4, line.n);
        line = str_sub(line, 0, (size_t)doc);
    }
    f->name = word(&line);
    struct str number = word(&line);
    f->expr = word(&line);
    int64_t n = 0;
    if (!str_eq_c(number, "-") && !str_to_i64(number, &n))
        fail("not a field number", number);
    f->number = (long)n;
    for (struct str w = word(&line); w.n > 0; w = word(&line)) {
        if (option(w, "merge", &f->merge))
            f->merged = true;
        else if (option(w, "sets", &f->default_json))
            f->untold = true;
        else if (!option(w, "keys", &f->keys) && !option(w, "default", &f->default_json) &&
                 !option(w, "if", &f->condition) && !option(w, "enum", &f->enums) &&
                 !option(w, "go", &f->go))
            read_flag(f, w);
    }
    struct gtype *t = &types[types_n - 1];
    *(f->in_line ? &t->inlines_n : &t->fields_n) += 1;
}

static struct gtype *new_type(struct str name)
{
    if (types_n == TYPES_MAX)
        fail("too many types", name);
    struct gtype *t = &types[types_n++];
    *t = (struct gtype){.name = name, .fields_from = fields_n};
    if (name.n > 0 && map_put(&names, name, (void *)(uintptr_t)types_n))
        fail("named twice", name);
    return t;
}

static const struct {
    const char *word, *kind;
} scalars[] = {
    {"any", "TYPE_ANY"},           {"string", "TYPE_STRING"},
    {"bool", "TYPE_BOOL"},         {"int32", "TYPE_INT32"},
    {"int64", "TYPE_INT64"},       {"number", "TYPE_NUMBER"},
    {"bytes", "TYPE_BYTES"},       {"duration", "TYPE_DURATION"},
    {"quantity", "TYPE_QUANTITY"}, {"intstr", "TYPE_INT_OR_STRING"},
    {"time", "TYPE_TIME"},         {"microtime", "TYPE_MICRO_TIME"},
    {"raw", "TYPE_RAW"},           {"fieldsv1", "TYPE_FIELDS_V1"},
};

static struct str scalar_kind(struct str w)
{
    for (size_t i = 0; i < ARRAY_LEN(scalars); i++)
        if (str_eq_c(w, scalars[i].word))
            return str_c(scalars[i].kind);
    return str_empty;
}

struct reading {
    struct str package, group, version;
};

static void read_head(struct reading *r, struct str line)
{
    ptrdiff_t doc = str_find(line, STR(" -- "));
    struct str text = doc < 0 ? str_empty : str_sub(line, (size_t)doc + 4, line.n);
    line = doc < 0 ? line : str_sub(line, 0, (size_t)doc);
    struct str what = word(&line), name = word(&line);
    if (str_eq_c(what, "scalar")) {
        struct str full = word(&line);
        struct gtype *t = new_type(full);
        t->kind = scalar_kind(name);
        if (!str_eq_c(name, "any")) /* fields say "time", and mean the named type */
            map_put(&made, name, (void *)(uintptr_t)types_n);
        return;
    }
    struct gtype *t =
        new_type(arena_printf(&memory, STR_FMT "." STR_FMT, STR_ARG(r->package), STR_ARG(name)));
    t->short_name = name;
    t->package = r->package;
    t->doc = text;
    t->kind = STR("TYPE_OBJECT");
    t->is_kind = str_eq_c(what, "kind");
    t->group = r->group;
    t->version = r->version;
    if (str_eq_c(what, "any")) {
        t->kind = STR("TYPE_ANY");
        t->items_expr = word(&line);
    } else if (!t->is_kind && !str_eq_c(what, "object")) {
        fail("expected kind, object, any or scalar", what);
    }
    for (struct str w = word(&line); w.n > 0; w = word(&line)) {
        bool *flag = str_eq_c(w, "atomic")       ? &t->atomic
                     : str_eq_c(w, "wire")       ? &t->wire
                     : str_eq_c(w, "everywhere") ? &t->everywhere
                                                 : NULL;
        if (!flag)
            fail("unknown word", w);
        *flag = true;
    }
}

static void read_line(struct reading *r, struct str line)
{
    struct str rest = line, first;
    if (str_trim(line).n == 0 || line.p[0] == '#')
        return;
    if (line.p[0] == ' ') {
        read_field(line);
        return;
    }
    first = word(&rest);
    if (str_eq_c(first, "package")) {
        r->package = word(&rest);
    } else if (str_eq_c(first, "group")) {
        r->group = word(&rest);
        if (str_eq_c(r->group, "-"))
            r->group = str_empty;
        r->version = word(&rest);
    } else {
        read_head(r, line);
    }
}

static struct str read_whole(const char *path)
{
    struct buf text = {.max = (size_t)4 << 20};
    FILE *f = fopen(path, "r");
    if (!f)
        fail("cannot be read", str_c(path));
    for (char part[4096];;) {
        size_t n = fread(part, 1, sizeof(part), f);
        if (n == 0)
            break;
        buf_add(&text, (struct str){part, n});
    }
    fclose(f);
    struct str s = arena_str(&memory, buf_str(&text));
    buf_free(&text);
    return s;
}

static void read_file(const char *path)
{
    struct reading r = {0};
    struct str text = read_whole(path), line, stem = str_c(path), head;
    file = path;
    line_number = 0;
    while (text.n > 0) {
        line_number++;
        (void)str_cut(text, '\n', &line, &text);
        read_line(&r, line);
    }
    while (str_cut(stem, '/', &head, &line))
        stem = line;
    (void)str_cut(stem, '.', &stem, &line);
    struct str *package = ARENA_NEW(&memory, struct str);
    *package = r.package;
    map_put(&aliases, stem, package);
}

/* ---- types of expressions ---- */

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct gtype *)a)->name, ((const struct gtype *)b)->name);
}

static int by_field_name(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    return x->in_line != y->in_line ? x->in_line - y->in_line : str_cmp(x->name, y->name);
}

static size_t found(const struct map *m, struct str key)
{
    return (size_t)(uintptr_t)map_get(m, key);
}

static size_t resolve_name(struct str package, struct str expr)
{
    struct str alias, name;
    if (str_cut(expr, '.', &alias, &name)) {
        struct str *of = map_get(&aliases, alias);
        if (!of)
            fail("unknown file", alias);
        package = *of;
        expr = name;
    }
    size_t i =
        found(&names, arena_printf(&memory, STR_FMT "." STR_FMT, STR_ARG(package), STR_ARG(expr)));
    if (i == 0)
        fail("unknown type", expr);
    return i - 1;
}

struct traits {
    bool set, atomic, granular;
    struct str keys;
};

static size_t make(struct str key, struct gtype like)
{
    size_t i = found(&made, key);
    if (i == 0) {
        struct gtype *t = new_type(str_empty);
        *t = like;
        i = types_n;
        map_put(&made, key, (void *)(uintptr_t)i);
    }
    return i - 1;
}

/* "[]X" and "{}X": traits are of the outermost. */
static size_t resolve(struct str package, struct str expr, struct traits traits)
{
    struct gtype like = {
        .keys = traits.keys, .set = traits.set, .atomic = traits.atomic, .fields_n = 0};
    bool list = str_starts(expr, STR("[]"));
    if (list || str_starts(expr, STR("{}"))) {
        like.kind = list ? STR("TYPE_LIST") : STR("TYPE_MAP");
        like.items = resolve(package, str_sub(expr, 2, expr.n), (struct traits){0}) + 1;
        return make(arena_printf(&memory, "%c%zu %d%d " STR_FMT, list ? 'l' : 'm', like.items,
                                 like.set, like.atomic, STR_ARG(like.keys)),
                    like);
    }
    like.kind = scalar_kind(expr);
    if (like.kind.n > 0)
        return make(expr, like);
    size_t i = resolve_name(package, expr);
    if (!traits.granular || !types[i].atomic)
        return i;
    like = types[i]; /* this field sees through what is one value elsewhere */
    like.atomic = false;
    like.is_kind = false;
    return make(arena_printf(&memory, "g%zu", i), like);
}

static void resolve_all(void)
{
    qsort(types, types_n, sizeof(types[0]), by_name);
    map_clear(&names);
    named_n = types_n;
    for (size_t i = 0; i < named_n; i++)
        map_put(&names, types[i].name, (void *)(uintptr_t)(i + 1));
    struct map scalars_made = made;
    made = (struct map){0};
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&scalars_made, &i, &key, &value);)
        for (size_t j = 0; j < named_n; j++)
            if (str_eq(types[j].kind, scalar_kind(key)) && types[j].kind.n > 0)
                map_put(&made, key, (void *)(uintptr_t)(j + 1));
    map_free(&scalars_made);
    for (size_t i = 0; i < named_n; i++) {
        struct gtype *t = &types[i];
        qsort(&fields[t->fields_from], t->fields_n + t->inlines_n, sizeof(fields[0]),
              by_field_name);
        if (t->items_expr.n > 0)
            t->items = resolve(t->package, t->items_expr, (struct traits){0}) + 1;
        for (size_t j = 0; j < t->fields_n + t->inlines_n; j++) {
            struct field *f = &fields[t->fields_from + j];
            file = types[i].name.p;
            line_number = (unsigned)j + 1;
            f->type = resolve(t->package, f->expr,
                              (struct traits){f->set, f->atomic, f->granular, f->keys});
        }
    }
}

static bool has_defaults(const struct gtype *t)
{
    for (size_t j = 0; j < t->fields_n; j++) {
        const struct field *f = &fields[t->fields_from + j];
        if (f->default_json.n > 0 || types[f->type].defaults)
            return true;
    }
    return t->items > 0 && types[t->items - 1].defaults;
}

/* Types refer to each other in circles: until nothing changes any more. */
static void mark_defaults(void)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < types_n; i++) {
            if (types[i].defaults || !has_defaults(&types[i]))
                continue;
            types[i].defaults = true;
            changed = true;
        }
    }
}

/* ---- writing ---- */

static FILE *out;

static void put_quoted(struct str s)
{
    fputc('"', out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            fputc('\\', out);
        fputc(s.p[i], out);
    }
    fputc('"', out);
}

static void put_str(const char *member, struct str s)
{
    if (s.n == 0)
        return;
    fprintf(out, ", .%s = {", member);
    put_quoted(s);
    fprintf(out, ", %zu}", s.n);
}

static void put_c(const char *member, struct str s)
{
    if (s.n == 0)
        return;
    fprintf(out, ", .%s = ", member);
    put_quoted(s);
}

/* "a|b~c" → ["a","b c"] */
static struct str enum_json(struct str values)
{
    if (values.n == 0)
        return str_empty;
    struct buf b = {.max = 4096};
    struct str one;
    buf_add_char(&b, '[');
    for (bool more = true; more;) {
        more = str_cut(values, '|', &one, &values);
        buf_add_char(&b, '"');
        for (size_t i = 0; i < one.n; i++)
            buf_add_char(&b, one.p[i] == '~' ? ' ' : one.p[i]);
        buf_add_c(&b, more ? "\"," : "\"]");
    }
    struct str s = arena_str(&memory, buf_str(&b));
    buf_free(&b);
    return s;
}

/* "PullPolicy" in io.k8s.api.core.v1 → "v1.PullPolicy" */
static struct str go_name(struct str package, struct str name)
{
    struct str head, tail;
    if (name.n == 0 || str_find_char(name, '.') >= 0)
        return name;
    while (str_cut(package, '.', &head, &tail))
        package = tail;
    return arena_printf(&memory, STR_FMT "." STR_FMT, STR_ARG(package), STR_ARG(name));
}

static void put_flags(const char *const *names_of, const bool *set, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!set[i])
            continue;
        fprintf(out, "%s%s", any ? " | " : ", .flags = ", names_of[i]);
        any = true;
    }
}

static void put_field(const struct gtype *t, const struct field *f)
{
    static const char *const flags[] = {"FIELD_REQUIRED", "FIELD_ALWAYS",      "FIELD_POINTER",
                                        "FIELD_MERGE",    "FIELD_RETAIN_KEYS", "FIELD_INLINE",
                                        "FIELD_WRAPPED",  "FIELD_UNTOLD"};
    const bool set[] = {f->required, f->always,  f->pointer, f->merged,
                        f->retain,   f->in_line, f->wrapped, f->untold};
    fprintf(out, "    {.name = {");
    put_quoted(f->name);
    fprintf(out, ", %zu}, .type = &builtin_types[%zu], .number = %ld", f->name.n, f->type,
            f->number);
    put_flags(flags, set, ARRAY_LEN(set));
    put_str("merge_key", f->merge);
    put_str("default_json", f->default_json);
    put_str("description", f->doc);
    put_c("default_if", f->condition);
    put_c("enum_json", enum_json(f->enums));
    put_c("go_type", go_name(t->package, f->go));
    fputs("},\n", out);
}

static void put_fields(void)
{
    fputs("static const struct type_field builtin_fields[] = {\n", out);
    size_t at = 0;
    for (size_t i = 0; i < named_n; i++) {
        struct gtype *t = &types[i];
        for (size_t j = 0; j < t->fields_n + t->inlines_n; j++)
            put_field(t, &fields[t->fields_from + j]);
        for (size_t j = named_n; j < types_n; j++) /* copies that see through */
            if (str_eq(types[j].name, t->name))
                types[j].fields_from = at;
        t->fields_from = at;
        at += t->fields_n + t->inlines_n;
    }
    fputs("};\n\n", out);
}

static void put_keys(void)
{
    for (size_t i = 0; i < types_n; i++) {
        struct str keys = types[i].keys, one;
        if (keys.n == 0)
            continue;
        fprintf(out, "static const struct str builtin_keys_%zu[] = {", i);
        for (bool more = true; more;) {
            more = str_cut(keys, ',', &one, &keys);
            fputs("{", out);
            put_quoted(one);
            fprintf(out, ", %zu}%s", one.n, more ? ", " : "};\n");
        }
    }
}

static void put_type(size_t i)
{
    static const char *const flags[] = {"TYPE_ATOMIC", "TYPE_SET", "TYPE_KEYED", "TYPE_WIRE",
                                        "TYPE_DEFAULTS"};
    const struct gtype *t = &types[i];
    const bool set[] = {t->atomic, t->set, t->keys.n > 0, t->wire, t->defaults};
    fprintf(out, "    {.kind = " STR_FMT, STR_ARG(t->kind));
    put_flags(flags, set, ARRAY_LEN(set));
    put_str("name", t->name);
    put_str("description", t->doc);
    if (t->fields_n + t->inlines_n > 0)
        fprintf(out, ", .fields = &builtin_fields[%zu], .fields_n = %zu, .inlines_n = %zu",
                t->fields_from, t->fields_n, t->inlines_n);
    if (t->items > 0)
        fprintf(out, ", .items = &builtin_types[%zu]", t->items - 1);
    if (t->keys.n > 0)
        fprintf(out, ", .list_keys = builtin_keys_%zu, .list_keys_n = ARRAY_LEN(builtin_keys_%zu)",
                i, i);
    fputs("},\n", out);
}

static int by_kind(const void *a, const void *b)
{
    const struct gtype *x = *(const struct gtype *const *)a, *y = *(const struct gtype *const *)b;
    int order = str_cmp(x->short_name, y->short_name);
    if (order == 0)
        order = str_cmp(x->group, y->group);
    return order ? order : str_cmp(x->version, y->version);
}

static void put_kinds(void)
{
    const struct gtype **kinds = ARENA_NEW_ARRAY(&memory, const struct gtype *, named_n);
    size_t n = 0;
    for (size_t i = 0; i < named_n; i++)
        if (types[i].is_kind)
            kinds[n++] = &types[i];
    qsort(kinds, n, sizeof(kinds[0]), by_kind);
    fputs("\nconst struct builtin_kind builtin_kinds[] = {\n", out);
    for (size_t i = 0; i < n; i++) {
        const struct gtype *t = kinds[i];
        fputs("    {.everywhere = ", out);
        fputs(t->everywhere ? "true" : "false", out);
        put_str("kind", t->short_name);
        put_str("group", t->group);
        put_str("version", t->version);
        fprintf(out, ", .type = &builtin_types[%zu]},\n", (size_t)(t - types));
    }
    fprintf(out, "};\nconst size_t builtin_kinds_n = %zu;\nconst size_t builtin_named_n = %zu;\n",
            n, named_n);
    fprintf(out, "const size_t builtin_object_meta = %zu;\n",
            resolve_name(STR("io.k8s.apimachinery.pkg.apis.meta.v1"), STR("ObjectMeta")));
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: typegen OUT.c FILE...\n", stderr);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        read_file(argv[i]);
    resolve_all();
    mark_defaults();
    out = fopen(argv[1], "w");
    if (!out)
        fail("cannot be written", str_c(argv[1]));
    fputs("/* Made by typegen from sim/kubeapi/types/data: do not edit. */\n"
          "#include \"sim/kubeapi/types/builtin.h\"\n\n",
          out);
    put_keys();
    put_fields();
    fputs("const struct type builtin_types[] = {\n", out);
    for (size_t i = 0; i < types_n; i++)
        put_type(i);
    fputs("};\n", out);
    put_kinds();
    bool ok = fclose(out) == 0;
    map_free(&aliases);
    map_free(&names);
    map_free(&made);
    arena_free(&memory);
    return ok ? 0 : 1;
}

# shellcheck shell=sh disable=SC2154
# Custom resources: definition, printer columns, schema, subresources, explain, life.
plural=wheels$minor
group=x$minor.paddock.test
cat >crd.yaml <<X
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: $plural.$group}
spec:
  group: $group
  scope: Namespaced
  names: {plural: $plural, singular: wheel$minor, kind: Wheel$minor, shortNames: [wh$minor], categories: [parts]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size, description: how large}
    - {name: Phase, type: string, jsonPath: .status.phase}
    - {name: Maker, type: string, jsonPath: .spec.maker, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: what a wheel shall be
            required: [size]
            properties:
              size: {type: integer, minimum: 1, description: how large it is}
              maker: {type: string, default: acme, enum: [acme, other]}
              replicas: {type: integer}
          status:
            type: object
            properties: {phase: {type: string}, replicas: {type: integer}}
X
cat >cr.yaml <<X
apiVersion: $group/v1
kind: Wheel$minor
metadata: {name: w}
spec: {size: 3}
X
check crd 0 "^customresourcedefinition.apiextensions.k8s.io/$plural.$group created \$" apply -f crd.yaml
check crd-established 0 'condition met' wait --for=condition=Established "crd/$plural.$group" --timeout=100s
check crd-table 0 "NAME +CREATED AT $plural.$group +20" get crd "$plural.$group"
check crd-again 0 "unchanged|configured" apply -f crd.yaml
check_kinds discovered 0 "$plural +wh$minor +$group/v1 +true +Wheel$minor" api-resources --api-group="$group"
check create 0 "^wheel$minor.$group/w created \$" apply -f cr.yaml
check apply-again 0 "^wheel$minor.$group/w unchanged \$" apply -f cr.yaml
check columns 0 '^NAME +SIZE +PHASE +AGE w +3 +[0-9]+s $' get "wheel$minor"
check columns-wide 0 'SIZE +PHASE +MAKER +AGE w +3 +acme ' get "wh$minor" -o wide
check defaulted 0 '^acme ?$' get "wh$minor" w -o 'jsonpath={.spec.maker}'
check category 0 'w ' get parts
check full-name 0 'w ' get "$plural.v1.$group"
check pruned 0 'created' apply --validate=false -f - <<X
{"apiVersion":"$group/v1","kind":"Wheel$minor","metadata":{"name":"pr"},"spec":{"size":1,"odd":true}}
X
check pruned-field 0 '^[{]"maker":"acme","size":1[}] ?$' get "wh$minor" pr -o 'jsonpath={.spec}'
sed 's/size: 3/size: 0/' cr.yaml >bad.yaml
check minimum 1 'is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1' apply -f bad.yaml
sed 's/size: 3/size: 3, maker: nobody/' cr.yaml >bad.yaml
check enum 1 'Unsupported value: "nobody": supported values: "acme", "other"' apply -f bad.yaml
sed 's/size: 3/maker: acme/; s/name: w/name: bad/' cr.yaml >bad.yaml
check required 1 'spec.size: Required value|missing required field "size"' create -f bad.yaml
sed 's/size: 3/size: 3, odd: 1/' cr.yaml >bad.yaml
check unknown-field 1 'unknown field "(spec[.])?odd"' apply --validate=true -f bad.yaml
check explain 0 "KIND: +Wheel$minor .*what a wheel shall be .*size.*how large it is" explain "wheel$minor.spec"
check patch-merge 0 'patched' patch "wh$minor" w --type=merge -p '{"spec":{"size":4,"replicas":1}}'
check patch-strategic-refused 1 'application/strategic-merge-patch[+]json is not supported|the body of the request was in an unknown format' patch "wh$minor" w -p '{"spec":{"size":5}}'
check label 0 'labeled' label "wh$minor" w a=b
check selector 0 '^[^ ]+/w $' get "wh$minor" -l a=b -o name
check scale 0 "scaled" scale "wh$minor" w --replicas=2
check scaled 0 '^2 ?$' get "wh$minor" w -o 'jsonpath={.spec.replicas}'
check status 0 '"phase":"Ready"' replace --raw "/apis/$group/v1/namespaces/$id/$plural/w/status" -f - <<X
$(k get "wh$minor" w -o json | sed '$d'),"status":{"phase":"Ready"}}
X
check status-column 0 'w +4 +Ready' get "wh$minor" w
check spec-keeps-status 0 '^Ready ?$' get "wh$minor" w -o 'jsonpath={.status.phase}'
check server-side 0 'serverside-applied' apply --server-side --force-conflicts -f cr.yaml
check describe 0 "Kind: +Wheel$minor .*Spec: +.*Size: +3" describe "wh$minor" w
watching watch 'x1 +9 ' "$plural" --watch-only -- sh -c "sed 's/name: w/name: x1/; s/size: 3/size: 9/' cr.yaml | '$kubectl' create -f -"
check delete 0 '"w" deleted' delete "wh$minor" w
check can-i 0 '^yes' auth can-i get "$plural.$group"
check crd-invalid 1 'is invalid: .*metadata.name: Invalid value' create --validate=false -f - <<X
$(sed "s/^metadata: .*/metadata: {name: other.$group}/" crd.yaml)
X
check crd-delete 0 'deleted' delete crd "$plural.$group" --timeout=100s
check crd-gone 1 "the server doesn't have a resource type|could not find the requested resource" get "$plural"

#!/usr/bin/env bash
# deploy-release.sh COMMIT: deploys this checkout with the images that were built of COMMIT, each by its digest.
# Which images: infra/topology/images.ts. Environment: REGISTRY (host of ECR), CONTEXT (the -c values of the stage), AWS credentials.
set -euo pipefail
commit=$1
images=()
names=$(node infra/scripts/images.ts)
for name in $names; do
  digest=$(aws ecr describe-images --repository-name "tandem/$name" --image-ids "imageTag=$commit" \
    --query 'imageDetails[0].imageDigest' --output text)
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "no image of tandem/$name for $commit: $digest" >&2; exit 1; }
  images+=(-c "${name}Image=$REGISTRY/tandem/$name@$digest")
done
# shellcheck disable=SC2086 # several arguments on purpose
npx cdk deploy --require-approval never --concurrency 2 $CONTEXT "${images[@]}"

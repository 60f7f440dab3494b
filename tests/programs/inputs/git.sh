#!/bin/sh
# A repository's life: commits on two branches, a merge, a diff, history, packing, a clone. $1 is the number of commits.
set -eu
commits=$1
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 GIT_PAGER=cat
export GIT_AUTHOR_NAME=author GIT_AUTHOR_EMAIL=author@example.org
export GIT_COMMITTER_NAME=author GIT_COMMITTER_EMAIL=author@example.org

# Commits with the date $1 and the message $2.
commit() {
  GIT_AUTHOR_DATE="$1 +0000" GIT_COMMITTER_DATE="$1 +0000" git commit -q -m "$2"
}

# Writes a file whose text depends on $1 and $2 alone.
write_file() {
  awk -v a="$1" -v b="$2" 'BEGIN { for (i = 0; i < 120; i++) print a * 31 + i, "line", (i % 7 == 0 ? b : a), i * i }' \
    >"dir$(($1 % 5))/file$1.txt"
}

git init -q --initial-branch=main repository
cd repository
git config gc.auto 0
git config pack.threads 2
mkdir dir0 dir1 dir2 dir3 dir4
n=0
while [ "$n" -lt "$commits" ]; do
  for file in 0 1 2 3; do write_file $((n * 3 % 40 + file)) "$n"; done
  git add .
  commit $((1700000000 + n * 60)) "change $n"
  n=$((n + 1))
done
git checkout -q -b side "HEAD~$((commits / 2))"
write_file 100 1
git add .
commit 1800000000 "on the side"
git checkout -q main
GIT_AUTHOR_DATE="1800000100 +0000" GIT_COMMITTER_DATE="1800000100 +0000" git merge -q --no-edit side
GIT_COMMITTER_DATE="1800000200 +0000" git tag -a -m "a version" v1

echo "== log"
git log --format='%H %P %s' | tail -n 20
git log --stat -n 5 --format=%H
echo "== diff"
git diff "HEAD~10" | sha256sum
git diff --stat -M "HEAD~10"
echo "== blame and grep"
git blame -s dir0/file0.txt | sha256sum
git grep -c 'line' | head -n 5
echo "== objects before and after packing"
git cat-file --batch-all-objects --batch-check | sha256sum
git repack -a -d -q
git gc -q --aggressive --prune=now
git cat-file --batch-all-objects --batch-check | sha256sum
git fsck --full --strict 2>&1
echo "== clone"
git clone -q --no-local "$PWD" ../clone 2>&1
git -C ../clone rev-parse HEAD
git -C ../clone rev-list --objects --all | sort | sha256sum
git archive HEAD | sha256sum

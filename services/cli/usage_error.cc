#include "services/cli/usage_error.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace arpent::cli {
namespace {

// Letters to insert, remove or change (Levenshtein).
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row.back();
}

std::vector<std::string> NamesOf(const CLI::App& level) {
  std::vector<std::string> names;
  for (const CLI::App* command : level.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

}  // namespace

std::string NearestName(const std::string& word, const std::vector<std::string>& names) {
  std::string nearest;
  size_t least = 3;
  for (const std::string& name : names) {
    const size_t distance = EditDistance(word, name);
    if (distance < least && 2 * distance < name.size()) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string UsageError(const CLI::App& app, const std::vector<std::string>& words, const std::string& message) {
  const CLI::App* level = &app;
  std::string path = app.get_name(), above, wrong;
  for (size_t i = 0; i < words.size() && wrong.empty(); ++i) {
    if (words[i] == "--output") {  // the one option of all commands, and its value
      ++i;
      continue;
    }
    if (words[i].empty() || words[i][0] == '-') continue;
    const std::vector<std::string> names = NamesOf(*level);
    if (names.empty()) break;
    if (std::find(names.begin(), names.end(), words[i]) == names.end()) {
      wrong = words[i];
    } else {
      level = level->get_subcommand(words[i]);
      above = path;
      absl::StrAppend(&path, " ", words[i]);
    }
  }
  if (!wrong.empty()) {
    const std::string nearest = NearestName(wrong, NamesOf(*level));
    return absl::StrCat("arpent: there is no command '", path, " ", wrong, "'",
                        nearest.empty() ? "" : absl::StrCat("; did you mean '", path, " ", nearest, "'?"), "\n`", path,
                        " --help` lists the commands\n");
  }
  const bool lacks_command = !NamesOf(*level).empty() && level->get_require_subcommand_min() > 0;
  if (lacks_command && level->get_subcommands().empty()) return level->help(above);
  return absl::StrCat(path, ": ", message, "\nSee `", path, " --help`\n");
}

}  // namespace arpent::cli

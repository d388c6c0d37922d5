#include "services/cli/completion_command.h"

#include <iostream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace arpent::cli {
namespace {

// What may follow a command line that names `command`: its subcommands and long options.
std::vector<std::string> WordsAfter(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::App* nested : command.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(nested->get_name());
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

// Calls `visit(path, command)` for the program ("") and every command below ("run", "run start").
template <typename Visit>
void ForEachCommand(const CLI::App& app, const std::string& path, const Visit& visit) {
  visit(path, app);
  for (const CLI::App* nested : app.get_subcommands([](const CLI::App*) { return true; })) {
    ForEachCommand(*nested, path.empty() ? nested->get_name() : absl::StrCat(path, " ", nested->get_name()), visit);
  }
}

std::string BashScript(const CLI::App& app) {
  std::string cases, known = "|";
  ForEachCommand(app, "", [&](const std::string& path, const CLI::App& command) {
    absl::StrAppend(&known, path, "|");
    absl::StrAppend(&cases, "    \"", path, "\") words=\"", absl::StrJoin(WordsAfter(command), " "), "\"",
                    command.get_subcommands([](const CLI::App*) { return true; }).empty() ? " files=-f" : "", " ;;\n");
  });
  return absl::StrCat(
      // Words that are no command, as a scene or an option's value, leave the command as it is.
      "_arpent() {\n  local known=\"", known, "\"\n  local word path=\"\" words=\"\" files=\"\" i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=${COMP_WORDS[i]}\n"
      "    [[ $known != *\"|${path:+$path }$word|\"* ]] || path=${path:+$path }$word\n  done\n"
      "  case $path in\n",
      cases,
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\") "
      "$([[ -z $files ]] || compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o filenames -F _arpent arpent\n");
}

std::string FishScript(const CLI::App& app) {
  std::string script;
  ForEachCommand(app, "", [&script](const std::string& path, const CLI::App& command) {
    const std::string condition =
        path.empty() ? "__fish_use_subcommand"
                     : absl::StrCat("__fish_seen_subcommand_from ", path.substr(path.rfind(' ') + 1));
    for (const std::string& word : WordsAfter(command)) {
      const bool is_option = word.rfind("--", 0) == 0;
      absl::StrAppend(&script, "complete -c arpent -n '", condition, "' ", is_option ? "-l " : "-a ",
                      is_option ? word.substr(2) : word, "\n");
    }
  });
  return script;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  if (shell == "fish") return FishScript(app);
  const std::string bash = BashScript(app);
  return shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" + bash : bash;
}

void AddCompletionCommand(CLI::App& app, int& exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print the completion script of a shell");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example:\n  source <(arpent completion bash)");
  command->callback([&app, shell, &exit_code] {
    std::cout << CompletionScript(app, *shell);
    exit_code = 0;
  });
}

}  // namespace arpent::cli

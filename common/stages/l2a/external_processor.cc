#include "common/stages/l2a/external_processor.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

extern char** environ;

namespace arpent::stages {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr absl::Duration kLook = absl::Milliseconds(50);
constexpr int kLooksPerScratch = 20;
constexpr size_t kLogTailBytes = 1500;

class ProcessorReader {
 public:
  ProcessorReader(std::string file, std::string name) : where_(absl::StrCat(file, ": processor ", name)) { processor_.name = name; }

  absl::StatusOr<ExternalProcessor> Read(const Json& node) {
    if (!node.is_object()) return Error("is no object");
    for (const auto& [field, value] : node.items()) ARPENT_RETURN_IF_ERROR(Field(field, value));
    if (processor_.command.empty()) return Error("has no command");
    return processor_;
  }

 private:
  absl::Status Error(const std::string& what) const { return absl::InvalidArgumentError(absl::StrCat(where_, " ", what)); }

  absl::Status Field(const std::string& field, const Json& value) {
    if (field == "command") return Command(value);
    if (field == "image" && value.is_string()) return Set(processor_.image, value.get<std::string>());
    if (field == "memory_mib" && value.is_number_integer()) return Size(field, value, processor_.memory_bytes);
    if (field == "scratch_mib" && value.is_number_integer()) return Size(field, value, processor_.scratch_bytes);
    if (field == "time_limit" && value.is_string()) {
      absl::Duration limit;
      if (absl::ParseDuration(value.get<std::string>(), &limit) && limit > absl::ZeroDuration()) return Set(processor_.time_limit, limit);
    }
    return Error(absl::StrCat("has a field '", field, "' that is unknown or wrong"));
  }
  template <typename T>
  absl::Status Set(T& field, T value) {
    field = std::move(value);
    return absl::OkStatus();
  }
  absl::Status Size(const std::string& field, const Json& value, int64_t& bytes) {
    const auto mib = value.get<int64_t>();
    if (mib <= 0 || mib > (int64_t{1} << 30)) return Error(absl::StrCat("has a '", field, "' that is no size"));
    return Set(bytes, mib << 20);
  }
  absl::Status Command(const Json& value) {
    if (!value.is_array()) return Error("has a 'command' that is no list of words");
    for (const Json& word : value) {
      if (!word.is_string()) return Error("has a 'command' that is no list of words");
      processor_.command.push_back(word.get<std::string>());
    }
    return absl::OkStatus();
  }

  const std::string where_;
  ExternalProcessor processor_;
};

// "{input}/x" with what the words in braces stand for.
absl::StatusOr<std::string> Fill(const std::string& word, const ExternalProcessor& processor, const ProcessorRun& run) {
  std::string filled;
  for (size_t at = 0; at < word.size();) {
    const size_t close = word[at] == '{' ? word.find('}', at) : std::string::npos;
    if (close == std::string::npos) {
      filled += word[at++];
      continue;
    }
    const std::string name = word.substr(at + 1, close - at - 1);
    const auto value = run.values.find(name);
    if (value == run.values.end()) {
      return absl::InvalidArgumentError(absl::StrCat("processor ", processor.name, ": its command has an unknown {", name, "}"));
    }
    filled += value->second;
    at = close + 1;
  }
  return filled;
}

std::string TailOf(const std::string& log_file) {
  std::ifstream log(log_file, std::ios::binary | std::ios::ate);
  if (!log) return "";
  const auto size = static_cast<size_t>(log.tellg());
  const size_t count = std::min(size, kLogTailBytes);
  log.seekg(static_cast<std::streamoff>(size - count));
  std::string tail(count, '\0');
  log.read(tail.data(), static_cast<std::streamsize>(count));
  return tail;
}

// Resident memory of all processes of a session.
int64_t MemoryOfSession(pid_t session) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  int64_t pages = 0;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry->path().filename().string(), &pid)) continue;
    std::ifstream file(entry->path() / "stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    // The name, in parentheses, may hold anything; behind it come state, parent, group, session, ..., as 22nd resident pages.
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream fields(text.substr(name_end + 2));
    std::string field;
    int64_t own_session = 0, resident = 0;
    for (int i = 0; i < 22 && fields >> field; ++i) {
      if (i == 3) (void)absl::SimpleAtoi(field, &own_session);
      if (i == 21) (void)absl::SimpleAtoi(field, &resident);
    }
    if (own_session == session) pages += resident;
  }
  return pages * page;
}

int64_t SizeOf(const std::string& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (entry->is_regular_file(gone)) {
      const auto size = entry->file_size(gone);
      if (!gone) bytes += static_cast<int64_t>(size);
    }
  }
  return bytes;
}

// A program in a session of its own, which dies as a whole.
class Session {
 public:
  static absl::StatusOr<Session> Start(const std::vector<std::string>& words, const ProcessorRun& run) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, run.log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&files, run.work_folder.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    Session session;
    const int failure = posix_spawnp(&session.pid_, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0) return absl::FailedPreconditionError(absl::StrCat(words[0], ": ", std::strerror(failure)));
    return session;
  }

  pid_t pid() const { return pid_; }
  // Whether it has ended; then `status` is waitpid's.
  bool Ended(int& status) const { return waitpid(pid_, &status, WNOHANG) == pid_; }
  void Kill() const {
    kill(-pid_, SIGKILL);
    int ignored = 0;
    waitpid(pid_, &ignored, 0);
  }
  // What it started may outlive it.
  void KillRest() const { kill(-pid_, SIGKILL); }

 private:
  pid_t pid_ = 0;
};

}  // namespace

absl::StatusOr<ExternalProcessors> ParseProcessors(absl::string_view json, const std::string& file) {
  const Json document = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return absl::InvalidArgumentError(absl::StrCat(file, ": is no JSON object of processors by name"));
  ExternalProcessors processors;
  for (const auto& [name, node] : document.items()) {
    if (name.empty() || name == "arpent") return absl::InvalidArgumentError(absl::StrCat(file, ": '", name, "' is no name for a processor"));
    ARPENT_ASSIGN_OR_RETURN(processors[name], ProcessorReader(file, name).Read(node));
  }
  return processors;
}

absl::StatusOr<std::vector<std::string>> CommandLine(const ExternalProcessor& processor, const ProcessorRun& run) {
  std::vector<std::string> words;
  if (!processor.image.empty()) {
    words = {"podman", "run", "--rm", "--network=none", absl::StrCat("--memory=", processor.memory_bytes),
             absl::StrCat("--volume=", run.work_folder, ":", run.work_folder), absl::StrCat("--workdir=", run.work_folder), processor.image};
  }
  for (const std::string& word : processor.command) {
    ARPENT_ASSIGN_OR_RETURN(words.emplace_back(), Fill(word, processor, run));
  }
  return words;
}

absl::Status Execute(const ExternalProcessor& processor, const ProcessorRun& run, const std::function<bool()>& cancelled) {
  ARPENT_ASSIGN_OR_RETURN(const std::vector<std::string> words, CommandLine(processor, run));
  const auto failure = [&](absl::StatusCode code, const std::string& what) {
    return absl::Status(code, absl::StrCat("processor ", processor.name, " ", what, "; the end of its log:\n", TailOf(run.log_file)));
  };
  auto session = Session::Start(words, run);
  if (!session.ok()) return Annotate(session.status(), absl::StrCat("processor ", processor.name, " cannot be started"));
  const absl::Time deadline = absl::Now() + processor.time_limit;
  int status = 0;
  for (int look = 0; !session->Ended(status); ++look) {
    absl::Status stop;
    if (cancelled()) {
      stop = absl::CancelledError("l2a: cancelled");
    } else if (absl::Now() > deadline) {
      stop = failure(absl::StatusCode::kDeadlineExceeded, absl::StrCat("was stopped after its limit of ", absl::FormatDuration(processor.time_limit)));
    } else if (MemoryOfSession(session->pid()) > processor.memory_bytes) {
      stop = failure(absl::StatusCode::kResourceExhausted, absl::StrCat("took more than its ", processor.memory_bytes >> 20, " MiB of memory"));
    } else if (look % kLooksPerScratch == 0 && SizeOf(run.work_folder) > processor.scratch_bytes) {
      stop = failure(absl::StatusCode::kResourceExhausted, absl::StrCat("took more than its ", processor.scratch_bytes >> 20, " MiB of scratch"));
    }
    if (!stop.ok()) {
      session->Kill();
      return stop;
    }
    absl::SleepFor(kLook);
  }
  session->KillRest();
  if (WIFSIGNALED(status)) return failure(absl::StatusCode::kInternal, absl::StrCat("was killed by signal ", WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) {
    return failure(absl::StatusCode::kInternal, absl::StrCat("ended with exit code ", WEXITSTATUS(status)));
  }
  return absl::OkStatus();
}

}  // namespace arpent::stages

// FLAC encoding by the ffmpeg program, where it is installed.
import { spawn } from "node:child_process";
import { ConfigError, OstinatoError } from "../base/errors.ts";

/** @throws ConfigError when ffmpeg is not installed. */
export async function checkFlacEncoder(): Promise<void> {
  await runFfmpeg(["-version"], new Uint8Array(0)).catch(() => {
    throw new ConfigError(
      "--format flac needs the ffmpeg program and there is none on the PATH. Install it (apt-get install ffmpeg), or use --format wav.",
    );
  });
}

/** Encodes the bytes of a WAV file as FLAC. @throws OstinatoError when ffmpeg fails. */
export function encodeFlac(wav: Uint8Array): Promise<Uint8Array> {
  return runFfmpeg(
    [
      "-nostdin",
      "-v",
      "error",
      "-f",
      "wav",
      "-i",
      "pipe:0",
      "-map_metadata",
      "-1",
      "-c:a",
      "flac",
      "-compression_level",
      "5",
      "-bitexact",
      "-f",
      "flac",
      "pipe:1",
    ],
    wav,
  );
}

function runFfmpeg(args: readonly string[], input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn("ffmpeg", args, { stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let errors = "";
    child.once("error", reject);
    child.stdin.on("error", () => {}); // the exit code reports it
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new OstinatoError(`ffmpeg could not encode FLAC: ${errors.trim() || `exit code ${code}`}`));
    });
    child.stdin.end(input);
  });
}

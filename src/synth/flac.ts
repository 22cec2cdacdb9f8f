// FLAC by the ffmpeg program, where it is installed: lossless, half the size.
import { spawn } from "node:child_process";
import { ConfigError, OstinatoError } from "../base/errors.ts";

/** @throws ConfigError when there is no ffmpeg. */
export async function checkFlacEncoder(): Promise<void> {
  await runFfmpeg(["-version"], new Uint8Array(0)).catch(() => {
    throw new ConfigError(
      "--format flac needs the ffmpeg program and there is none on the PATH. Install it (apt-get install ffmpeg), or use --format wav.",
    );
  });
}

/** The bytes of a WAV file as FLAC. */
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
    let complaints = "";
    child.once("error", reject);
    child.stdin.on("error", () => {}); // the exit code tells
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new OstinatoError(`ffmpeg could not encode FLAC: ${complaints.trim() || `exit code ${code}`}`));
    });
    child.stdin.end(input);
  });
}

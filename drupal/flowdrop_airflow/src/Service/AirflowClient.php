<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Uuid\UuidInterface;
use Drupal\Core\State\StateInterface;
use Drupal\flowdrop_airflow\Contract\Signature;
use Drupal\flowdrop_airflow\Contract\StartRequest;
use GuzzleHttp\ClientInterface;
use Psr\Http\Message\ResponseInterface;

/**
 * Calls the FlowDrop API that Airflow serves.
 *
 * Run endpoints are called with a token of Airflow's own, so that Airflow's
 * auth manager stays the one that decides; news of saved workflows are signed.
 */
final class AirflowClient {

  public const API = '/flowdrop/api/v1';

  /**
   * State key of the token.
   */
  private const TOKEN = 'flowdrop_airflow.token';

  /**
   * Seconds a token is used before a new one is asked for.
   */
  private const TOKEN_LIFE = 600;

  public function __construct(
    private readonly ClientInterface $http,
    private readonly AirflowSettings $settings,
    private readonly StateInterface $state,
    private readonly TimeInterface $time,
    private readonly UuidInterface $uuid,
  ) {}

  /**
   * Starts a run and returns what Airflow says about it.
   *
   * @return array<string, mixed>
   *   The member "data": pipeline_id, dag_id, run_id, status.
   *
   * @throws \RuntimeException
   *   Airflow refuses; the message is its own.
   */
  public function start(StartRequest $start): array {
    $headers = ['Content-Type' => 'application/json', 'Idempotency-Key' => $start->key];
    return $this->data($this->call('POST', $start->path(), [], $start->json(), $headers));
  }

  /**
   * Stops a run.
   */
  public function cancel(string $pipelineId): void {
    $path = '/executions/' . rawurlencode($pipelineId) . '/cancel';
    $this->data($this->call('POST', $path, [], '{}', ['Content-Type' => 'application/json']));
  }

  /**
   * Returns a run as the editor's monitoring view reads it.
   *
   * @return array<string, mixed>
   *   The pipeline.
   */
  public function pipeline(string $pipelineId): array {
    return $this->data($this->call('GET', '/pipeline/' . rawurlencode($pipelineId)));
  }

  /**
   * Tells Airflow that a workflow has changed, so that it need not wait.
   */
  public function push(string $workflowId, string $operation): void {
    $target = '/drupal/workflows/' . rawurlencode($workflowId);
    $body = json_encode(['operation' => $operation], JSON_THROW_ON_ERROR);
    $secret = $this->settings->secrets()[0];
    $now = $this->time->getCurrentTime();
    $headers = Signature::headers($secret, 'POST', $target, $body, $now, $this->uuid->generate());
    $this->data($this->send('POST', $target, [], $body, $headers + ['Content-Type' => 'application/json']));
  }

  /**
   * Calls a run endpoint with a token; a refused token is asked for anew once.
   *
   * @param string $method
   *   The HTTP method.
   * @param string $path
   *   The path below the API.
   * @param array<string, string> $query
   *   The query.
   * @param string $body
   *   The body, "" for none.
   * @param array<string, string> $headers
   *   More headers.
   */
  public function call(
    string $method,
    string $path,
    array $query = [],
    string $body = '',
    array $headers = [],
  ): ResponseInterface {
    $answer = $this->send($method, $path, $query, $body, $headers + ['Authorization' => 'Bearer ' . $this->token()]);
    if ($answer->getStatusCode() === 401) {
      $this->state->delete(self::TOKEN);
      $answer = $this->send($method, $path, $query, $body, $headers + ['Authorization' => 'Bearer ' . $this->token()]);
    }
    return $answer;
  }

  private function send(string $method, string $path, array $query, string $body, array $headers): ResponseInterface {
    return $this->http->request($method, $this->settings->baseUrl() . self::API . $path, [
      'headers' => $headers + ['Accept' => 'application/json'],
      'query' => $query,
      'body' => $body,
      'timeout' => $this->settings->timeout(),
      'connect_timeout' => 3,
      'http_errors' => FALSE,
      'allow_redirects' => FALSE,
    ]);
  }

  private function token(): string {
    $kept = $this->state->get(self::TOKEN);
    if (is_array($kept) && $kept['ends'] > $this->time->getCurrentTime()) {
      return $kept['token'];
    }
    $answer = $this->http->request('POST', $this->settings->baseUrl() . '/auth/token', [
      'json' => ['username' => $this->settings->username(), 'password' => $this->settings->password()],
      'timeout' => $this->settings->timeout(),
      'http_errors' => FALSE,
      'allow_redirects' => FALSE,
    ]);
    $token = json_decode((string) $answer->getBody(), TRUE)['access_token'] ?? NULL;
    if (!is_string($token)) {
      throw new \RuntimeException('Airflow does not accept the user of the settings (' . $answer->getStatusCode() . ').');
    }
    $this->state->set(self::TOKEN, ['token' => $token, 'ends' => $this->time->getCurrentTime() + self::TOKEN_LIFE]);
    return $token;
  }

  private function data(ResponseInterface $answer): array {
    $body = json_decode((string) $answer->getBody(), TRUE);
    if ($answer->getStatusCode() >= 300 || !is_array($body)) {
      $said = is_array($body) && is_string($body['error'] ?? NULL) ? $body['error'] : $answer->getReasonPhrase();
      throw new \RuntimeException('Airflow answered ' . $answer->getStatusCode() . ': ' . $said);
    }
    return is_array($body['data'] ?? NULL) ? $body['data'] : $body;
  }

}
